// What happens to a request that is not completed in time. DOC: ST-160 RESET_LOGICAL_UNIT, then RESET_DEVICE, then
// HwStorResetBus; a request that outlives all of them is given up: its client gets an error, its slot stays with the
// miniport.

#include <algorithm>

#include "port/storport/adapter.h"

namespace drydock::storport {

namespace {
constexpr Nanoseconds kResetGrace = 10 * kSecond;  // ASSUMED: what a reset may take before the next step
}

// One event for the whole adapter, armed lazily: a completion does not touch it.
void Adapter::arm_timeout() {
  if (oldest_ == nullptr) return;
  Nanoseconds soonest = ~Nanoseconds{0};
  for (const Request* r = oldest_; r != nullptr; r = r->newer) soonest = std::min(soonest, r->deadline);
  const Nanoseconds now = s_.scheduler.now();
  s_.scheduler.timeline().schedule(timeout_, soonest > now ? soonest - now : 0);
}

void Adapter::check_timeouts() {
  const Nanoseconds now = s_.scheduler.now();
  for (Request *r = oldest_, *next = nullptr; r != nullptr; r = next) {
    next = r->newer;
    if (r->deadline <= now) {
      escalate(*r);
      next = oldest_;  // a reset may have completed any of them
      while (next != nullptr && next->deadline > now) next = next->newer;
    }
  }
  arm_timeout();
}

void Adapter::escalate(Request& request) {
  request.deadline = s_.scheduler.now() + kResetGrace;
  const bool is_reset = request.srb.function() != SRB_FUNCTION_EXECUTE_SCSI;
  if (is_reset) return abandon(request);
  switch (request.escalation++) {
    case 0:
      s_.trace.note([&] { return SrbTimedOut{request.serial, request.srb.timeout()}; });
      return send_reset(*request.unit, SRB_FUNCTION_RESET_LOGICAL_UNIT);
    case 1: return send_reset(*request.unit, SRB_FUNCTION_RESET_DEVICE);
    case 2: return reset_bus(request.unit->path);
    default: return abandon(request);
  }
}

// Resets go past the queue: it is stuck, that is why.
void Adapter::send_reset(LogicalUnit& unit, std::uint8_t function) {
  Request* reset = take_request();
  if (reset == nullptr) return;
  reset->srb.set_function(function);
  reset->srb.set_timeout(static_cast<std::uint32_t>(kResetGrace / kSecond));
  reset->srb.set_flags(SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_BYPASS_FROZEN_QUEUE);
  reset->unit = &unit;
  reset->owner = this;
  reset->completed = [](Request& done) { static_cast<Adapter*>(done.owner)->release(done); };
  start(*reset);
}

// DOC: ST-161 DISPATCH_LEVEL, StartIo lock.
void Adapter::reset_bus(std::uint8_t path) {
  lock_start_io();
  s_.call("HwStorResetBus", EntryKind::routine, miniport_.data.HwResetBus, extension_, ULONG{path});
  unlock_start_io();
}

void Adapter::abandon(Request& request) {
  unlink_outstanding(request);
  --request.unit->outstanding;
  --outstanding_;
  if (request.direction != Request::Direction::none) request.mapping.flush();
  request.srb.set_srb_status(SRB_STATUS_TIMEOUT);
  request.state = Request::State::abandoned;
  s_.trace.emit(RuleBroken{"ST-161", "", fmt::format("SRB {} ({:#04x}) was not completed within {} s, nor by RESET_LOGICAL_UNIT, RESET_DEVICE and HwStorResetBus",
                                                    request.serial, request.srb.opcode(), request.srb.timeout()), {}});
  request.completed(request);
}

}  // namespace drydock::storport
