// What happens to a request that is not completed in time. DOC: ST-160 RESET_LOGICAL_UNIT, then RESET_DEVICE, then
// HwStorResetBus; a request that outlives all of them is given up: its client gets an error, its slot stays with the
// miniport until it completes the SRB after all.

#include <algorithm>

#include "port/storport/adapter.h"

namespace drydock::storport {

namespace {

// ASSUMED: what a reset may take before the next step. recovery_test: ALostRequestIsResetInEverWiderCirclesAndThenGivenUp
constexpr Nanoseconds kResetGrace = 10 * kSecond;

enum Step : std::uint8_t { reset_unit, reset_target, reset_path, give_up };

bool reaches(std::uint8_t step, const LogicalUnit& at, const LogicalUnit& other) {
  if (at.path != other.path || step == reset_path) return at.path == other.path;
  return at.target == other.target && (step == reset_target || at.lun == other.lun);
}

bool is_reset(std::uint8_t function) {
  return function == SRB_FUNCTION_RESET_LOGICAL_UNIT || function == SRB_FUNCTION_RESET_DEVICE;
}

std::string lost_text(const Request& request) {
  if (is_reset(request.srb.function()))
    return fmt::format("SRB {} ({}) was not completed within {} s", request.serial,
                       request.srb.function() == SRB_FUNCTION_RESET_DEVICE ? "SRB_FUNCTION_RESET_DEVICE" : "SRB_FUNCTION_RESET_LOGICAL_UNIT",
                       request.srb.timeout());
  return fmt::format("SRB {} ({:#04x}) was not completed within {} s, nor by RESET_LOGICAL_UNIT, RESET_DEVICE and HwStorResetBus",
                     request.serial, request.srb.opcode(), request.srb.timeout());
}

}  // namespace

// One event for the whole adapter, armed lazily: a completion does not touch it.
void Adapter::arm_timeout() {
  if (oldest_ == nullptr) return;
  Nanoseconds soonest = ~Nanoseconds{0};
  for (const Request* r = oldest_; r != nullptr; r = r->newer) soonest = std::min(soonest, r->deadline);
  const Nanoseconds now = s_.scheduler.now();
  s_.scheduler.timeline().schedule(timeout_, soonest > now ? soonest - now : 0);
}

Request* Adapter::overdue() const {
  const Nanoseconds now = s_.scheduler.now();
  Request* r = oldest_;
  while (r != nullptr && r->deadline > now) r = r->newer;
  return r;
}

// Looked for anew after each step: a reset may have completed any of them.
void Adapter::check_timeouts() {
  while (Request* request = overdue()) escalate(*request);
  arm_timeout();
}

// One step is for every overdue request it reaches.
void Adapter::escalate(Request& request) {
  const std::uint8_t step = request.escalation;
  if (step == give_up || is_reset(request.srb.function())) return abandon(request);
  if (step == reset_unit) s_.trace.note([&] { return SrbTimedOut{request.serial, request.srb.timeout()}; });
  const Nanoseconds now = s_.scheduler.now();
  for (Request* r = oldest_; r != nullptr; r = r->newer) {
    if (r->deadline > now || is_reset(r->srb.function()) || !reaches(step, *request.unit, *r->unit)) continue;
    r->escalation = std::max<std::uint8_t>(r->escalation, step + 1);
    r->deadline = now + kResetGrace;
  }
  if (step == reset_unit) return send_reset(*request.unit, SRB_FUNCTION_RESET_LOGICAL_UNIT);
  if (step == reset_target) return send_reset(*request.unit, SRB_FUNCTION_RESET_DEVICE);
  reset_bus(request.unit->path);
}

// Resets go past the queue: it is stuck, that is why. Nothing new is started meanwhile. DOC: ST-163
void Adapter::send_reset(LogicalUnit& unit, std::uint8_t function) {
  Request* reset = take_request();
  if (reset == nullptr) return;
  reset->srb.set_function(function);
  reset->srb.set_timeout(static_cast<std::uint32_t>(kResetGrace / kSecond));
  reset->srb.set_flags(SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_BYPASS_FROZEN_QUEUE);
  reset->unit = &unit;
  reset->owner = this;
  reset->completed = [](Request& done) {
    --done.unit->resets;
    static_cast<Adapter*>(done.owner)->release(done);
  };
  ++unit.resets;
  start(*reset);
}

// DOC: ST-161 DISPATCH_LEVEL, StartIo lock, queues paused; DOC: ST-23 and for a while after.
void Adapter::reset_bus(std::uint8_t path) {
  ++resets_;
  lock_start_io();
  s_.call("HwStorResetBus", EntryKind::routine, miniport_.data.HwResetBus, extension_, ULONG{path});
  unlock_start_io();
  --resets_;
  hold_after_reset();
  queue_restart();
}

// DOC: ST-23 ST-120 whoever reset the bus: the port driver keeps the delay after it.
void Adapter::hold_after_reset() {
  const Nanoseconds hold = claims_.reset_hold_us * kMicrosecond;
  if (hold != 0 && paused_until_ < s_.scheduler.now() + hold) pause(hold);
}

// The routine that should have completed it: HwStorResetBus, or for a reset HwStorStartIo. However many are lost, that
// is one place.
CodePlace Adapter::last_asked(const Request& request) const {
  const auto* reset_bus = reinterpret_cast<const void*>(miniport_.data.HwResetBus);
  const auto* start_io = reinterpret_cast<const void*>(miniport_.data.HwStartIo);
  const void* routine = is_reset(request.srb.function()) || reset_bus == nullptr ? start_io : reset_bus;
  return {.rip = reinterpret_cast<std::uint64_t>(routine), .rsp = 0, .rbp = 0, .is_return_address = false};
}

void Adapter::abandon(Request& request) {
  LogicalUnit& unit = *request.unit;
  unlink_outstanding(request);
  if (request.direction != Request::Direction::none) request.mapping.flush();
  request.state = Request::State::abandoned;
  request.result = {SRB_STATUS_TIMEOUT, 0, 0};
  s_.trace.emit(RuleBroken{"ST-161", "", lost_text(request), last_asked(request)});
  const bool others = settle(request);
  request.completed(request);
  if (others) start_waiting_everywhere();
  else start_waiting(unit);
}

}  // namespace drydock::storport
