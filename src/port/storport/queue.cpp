// Units, and what holds their queues back: StorPortBusy, StorPortPause and the pause after a BUSY. DOC: ST-110…ST-115
// A miniport may call at any IRQL: starting requests is left to DISPATCH_LEVEL.

#include <algorithm>
#include <cstring>
#include <utility>

#include "port/storport/adapter.h"

namespace drydock::storport {

// One that is gone is still found by a miniport that has requests of it, unless another has taken its address.
LogicalUnit* Adapter::find_unit(std::uint8_t path, std::uint8_t target, std::uint8_t lun) {
  LogicalUnit* going = nullptr;
  for (auto& unit : units_) {
    if (unit->forgotten || !unit->is_at(path, target, lun)) continue;
    if (!unit->gone) return unit.get();
    if (unit->outstanding != 0) going = unit.get();
  }
  return going;
}

// The object of a forgotten unit, or a new one.
LogicalUnit& Adapter::vacant_unit() {
  for (auto& unit : units_)
    if (unit->forgotten) return *unit;
  units_.push_back(std::make_unique<LogicalUnit>());
  return *units_.back();
}

LogicalUnit& Adapter::unit(std::uint8_t path, std::uint8_t target, std::uint8_t lun) {
  if (LogicalUnit* known = find_unit(path, target, lun); known != nullptr && !known->gone) return *known;
  LogicalUnit& unit = vacant_unit();
  unit.path = path;
  unit.target = target;
  unit.lun = lun;
  unit.forgotten = unit.known = false;
  unit.busy_for = 0;
  unit.paused_until = unit.held_until = 0;
  unit.depth = claims_.initial_depth;
  if (claims_.unit_extension_bytes != 0) {
    constexpr std::uint32_t kTag = 0x456E754C;  // 'LunE'
    unit.extension = s_.pool.allocate(claims_.unit_extension_bytes, PoolKind::nonpaged, kTag);
    if (unit.extension != nullptr) std::memset(unit.extension, 0, claims_.unit_extension_bytes);
  }
  return unit;
}

// The object stays: somebody on another CPU may be about to look at its queue again.
void Adapter::forget(LogicalUnit& unit) {
  if (unit.outstanding != 0 || !unit.waiting.empty()) return;
  if (unit.extension != nullptr) (void)s_.pool.free(std::exchange(unit.extension, nullptr));
  unit.forgotten = true;
}

void Adapter::remove_unit(LogicalUnit& unit) {
  unit.gone = true;
  unit.depth = 0;
  s_.trace.note([&] { return UnitRemoved{unit.path, unit.target, unit.lun}; });
  fail_waiting(unit, SRB_STATUS_NO_DEVICE);
}

std::uint32_t Adapter::deepest_queue() const {
  std::uint32_t depth = 0;
  for (const auto& unit : units_) depth = std::max(depth, unit->depth);
  return depth;
}

// DOC: ST-22 H-24 MaxIOsPerLun is the limit; for the requests of old form no more than there are tags.
bool Adapter::set_queue_depth(LogicalUnit& unit, std::uint32_t depth) {
  if (unit.gone || depth == 0 || depth > claims_.ios_per_unit) return false;
  unit.depth = depth;
  queue_restart();
  return true;
}

void Adapter::queue_restart() { s_.scheduler.queue_dpc(restart_, s_.scheduler.cpu().index); }

// DOC: ST-112 more than outstanding means all of them.
void Adapter::busy(std::uint32_t requests) { busy_for_ = std::min(requests, outstanding_); }

void Adapter::ready() {
  busy_for_ = 0;
  queue_restart();
}

void Adapter::unit_busy(LogicalUnit& unit, std::uint32_t requests) { unit.busy_for = std::min(requests, unit.outstanding); }

void Adapter::unit_ready(LogicalUnit& unit) {
  unit.busy_for = 0;
  queue_restart();
}

// DOC: ST-111 everything is held until resumed or the time is up.
void Adapter::pause(Nanoseconds time) {
  paused_until_ = s_.scheduler.now() + time;
  arm_hold_end();
}

void Adapter::resume() {
  paused_until_ = 0;
  queue_restart();
}

// DOC: ST-120 LinkUp is for a link that is down: it does not end a StorPortPause.
void Adapter::link_down() {
  constexpr Nanoseconds kLinkDownTimeout = 30 * kSecond;  // DOC: ST-116 LinkDownTimeoutValue
  link_is_down_ = true;
  pause(kLinkDownTimeout);
}

void Adapter::link_up() {
  if (std::exchange(link_is_down_, false)) resume();
}

void Adapter::pause_unit(LogicalUnit& unit, Nanoseconds time) {
  unit.paused_until = s_.scheduler.now() + time;
  arm_hold_end();
}

void Adapter::resume_unit(LogicalUnit& unit) {
  unit.paused_until = 0;
  queue_restart();
}

// One event for all holds, at the end of the one that ends first.
void Adapter::arm_hold_end() {
  constexpr Nanoseconds kNever = ~Nanoseconds{0};
  Nanoseconds soonest = kNever;
  const auto consider = [&](Nanoseconds until) {
    if (until != 0) soonest = std::min(soonest, until);
  };
  consider(paused_until_);
  for (const auto& unit : units_) {
    consider(unit->paused_until);
    consider(unit->held_until);
  }
  const Nanoseconds now = s_.scheduler.now();
  if (soonest != kNever) s_.scheduler.timeline().schedule(hold_end_, soonest > now ? soonest - now : 0);
}

void Adapter::end_holds() {
  const Nanoseconds now = s_.scheduler.now();
  const auto end = [&](Nanoseconds& until) {
    if (until <= now) until = 0;
  };
  end(paused_until_);
  for (auto& unit : units_) {
    end(unit->paused_until);
    end(unit->held_until);
  }
  arm_hold_end();
  start_waiting_everywhere();
}

// DOC: ST-97 under the StartIo lock.
void Adapter::request_timer(PHW_TIMER routine, std::uint32_t microseconds) {
  timer_routine_ = routine;
  if (microseconds == 0) timer_.cancel();
  else s_.scheduler.timeline().schedule(timer_, microseconds * kMicrosecond);
}

void Adapter::run_timer() {
  if (timer_routine_ == nullptr) return;
  lock_start_io();
  s_.call("HwStorTimer", EntryKind::routine, timer_routine_, extension_);
  unlock_start_io();
}

}  // namespace drydock::storport
