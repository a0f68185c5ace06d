#pragma once
// enter_driver: the only way from drydock into a driver. It remembers where to come back to; a call that must not go on
// (bug check, stack overflow, hang, wild access) is abandoned by a jump to the innermost guard. Abandoning unwinds
// nothing: driver frames and drydock's frames between guard and abort are simply gone. So an export that calls back into
// the driver puts its own guard around it and owns nothing else, and what the dead call held is given back from ledgers.
// IRQL, locks and the virtual CPU are the caller's business: look at Entered::aborted.
//
// DriverCrossing: the way back, from the driver into an export or a trap: a few instructions that count the driver's
// stack, see that drydock has room to work, and turn a requested abort into one.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "abi/ms_abi.h"
#include "abi/save_point.h"
#include "sched/fiber.h"

namespace drydock {

/// What is being called. ISRs and DPCs run on stacks of their own in Windows: their bytes are a sum of their own.
enum class EntryKind : std::uint8_t { routine, dpc, isr };
constexpr bool has_own_stack(EntryKind kind) { return kind != EntryKind::routine; }

template <class R>
struct Entered {
  bool aborted = false;
  AbortReason reason = AbortReason::none;
  R value{};  // meaningful when not aborted
};
template <>
struct Entered<void> {
  bool aborted = false;
  AbortReason reason = AbortReason::none;
};

/// One call into the driver that has not come back; lives in the frame of enter_driver.
struct EntryGuard {
  SavePoint landing;
  EntryGuard* outer;
  std::uintptr_t driver_top;  // rsp with which the driver was entered: its frames lie below
  std::uintptr_t outer_segment_top;
  std::uintptr_t outer_crossing;
  std::size_t outer_used;
  EntryKind kind;
  AbortReason reason;
  bool limit_reported : 1;
  std::uint32_t ticks : 31;   // of the watchdog that found this call the innermost one in progress
  std::uint64_t first_tick;   // on the machine's clock; meaningful with ticks

  [[gnu::always_inline]] void enter(Fiber& fiber, EntryKind entry_kind) {
    outer = fiber.guard_;
    outer_segment_top = fiber.segment_top_;
    outer_crossing = fiber.crossing_;
    outer_used = fiber.used_;
    kind = entry_kind;
    limit_reported = false;
    ticks = 0;
    fiber.used_ = outer == nullptr || has_own_stack(entry_kind) ? 0 : fiber.driver_use(outer_crossing);
    asm volatile("mov %%rsp, %0" : "=r"(driver_top));
    fiber.segment_top_ = driver_top;
    fiber.guard_ = this;
    fiber.set_mark();
  }
  [[gnu::always_inline]] void leave(Fiber& fiber) {
    fiber.guard_ = outer;
    fiber.segment_top_ = outer_segment_top;
    fiber.crossing_ = outer_crossing;
    fiber.used_ = outer_used;
    if (outer != nullptr) fiber.set_mark();
  }
};

/// Calls `routine` of the driver on `fiber`, which must be the running one.
template <class R, class... A>
[[gnu::noinline]] Entered<R> enter_driver(Fiber& fiber, EntryKind kind, R(MSABI* routine)(A...),
                                          std::type_identity_t<A>... arguments) noexcept {
  EntryGuard guard;
  guard.enter(fiber, kind);
  if (DRYDOCK_SAVE_POINT(guard.landing) != 0) [[unlikely]] {
    guard.leave(fiber);
    return {.aborted = true, .reason = guard.reason};
  }
  if constexpr (std::is_void_v<R>) {
    routine(arguments...);
    guard.leave(fiber);
    return {};
  } else {
    const R value = routine(arguments...);
    guard.leave(fiber);
    return {.value = value};
  }
}

/// Abandons the innermost driver call of `fiber`, which must be the running one. For ordinary code on the fiber.
[[noreturn]] void abort_driver_call(Fiber& fiber, AbortReason reason);

/// The same for what drydock itself found: `gregs` (kGprCount, mcontext order) go into the fiber's record and
/// MachineHooks::call_aborted is told first.
[[noreturn]] void cut_off(Fiber& fiber, AbortReason reason, const std::uint64_t* gregs, std::uint64_t fault_address);

/// For the signal handlers, which must not jump: they record here, continue the thread at drydock_abort_landing(&fiber)
/// with the rsp this returns, and the landing does the rest. Async-signal-safe.
std::uintptr_t prepare_landing(Fiber& fiber, AbortReason reason, const std::uint64_t* gregs, std::uint64_t fault_address);
extern "C" [[noreturn]] void drydock_abort_landing(Fiber* fiber);

/// rsp of the driver at its call of this export (exports are compiled with frame pointers).
#define DRYDOCK_CALLER_RSP() (reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) + 16)

/// First object of every export. May abandon the call, in the constructor or the destructor.
class DriverCrossing {
 public:
  [[gnu::always_inline]] DriverCrossing(Fiber& fiber, std::uintptr_t driver_rsp) : fiber_(fiber) {
    fiber.crossing_ = driver_rsp;
    if (driver_rsp < fiber.mark_) [[unlikely]] fiber.note_driver_use(fiber.driver_use(driver_rsp), driver_rsp);
    if (driver_rsp < fiber.floor_) [[unlikely]] fiber.crossing_refused(driver_rsp);
  }
  [[gnu::always_inline]] ~DriverCrossing() {
    if (fiber_.pending_ != AbortReason::none) [[unlikely]] fiber_.crossing_refused(fiber_.crossing_);
  }
  DriverCrossing(const DriverCrossing&) = delete;
  DriverCrossing& operator=(const DriverCrossing&) = delete;

 private:
  Fiber& fiber_;
};
using ExportCrossing = DriverCrossing;

}  // namespace drydock
