#pragma once
// MachineHooks: what the signal handlers and the driver entry need to know of a machine, and what they tell it. A
// machine is one of these; while an OS thread drives it (DrivingThread) current_machine() finds it from anywhere.

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "abi/image_map.h"
#include "abi/trap_frame.h"
#include "trace/code_place.h"

namespace drydock {

class Fiber;
class Instrumentation;
class Scheduler;

/// Why a call into the driver never came back.
enum class AbortReason : std::uint8_t {
  none,
  stack_overflow,        // ran into the guard area, or left no room for a trap or an export
  hung,                  // a loop with no preemption point and nothing that could end it
  endless,               // a call that passes preemption points, and does not come back
  wild_access,           // memory that is nobody's
  bad_instruction,       // an instruction that drydock refuses
  exception,             // an exception nobody handled
  fast_fail,             // int 29h
  bug_check,             // the driver or the system called for one
  requested              // somebody outside the call wants it to end
};
const char* abort_reason_text(AbortReason);

/// The registers at the point where a call was cut off. Kept in the fiber, valid until its next abort.
struct AbortRecord {
  AbortReason reason = AbortReason::none;
  std::uint64_t gregs[kGprCount] = {};  // mcontext order, Gpr
  std::uint64_t fault_address = 0;
};

/// State of the watchdog, one per machine; changed by the tick and by Watchdog functions only (sched/watchdog.h).
struct WatchdogState {
  std::atomic<std::uint64_t> progress_seen{0};
  std::atomic<std::uint32_t> silent_ticks{0};
  std::uint32_t silent_ticks_limit = 0;  // 0: off
};

class MachineHooks {
 public:
  MachineHooks() = default;
  MachineHooks(const MachineHooks&) = delete;
  MachineHooks& operator=(const MachineHooks&) = delete;

  Fiber* current_fiber = nullptr;  // the one that runs now; null in the scheduler (kept by run_fiber)
  Scheduler* scheduler = nullptr;  // set by itself
  ImageMap images;
  Instrumentation* instrumentation = nullptr;  // of a driver that imports drydock_san.sys (kasan/)
  WatchdogState watchdog;

  std::uint64_t progress = 0;  // incremented at every preemption point; the watchdog watches it

  /// An instruction of the driver trapped. Runs on its fiber as ordinary code, which may switch fibers, enter the driver
  /// again, change the frame, or abandon the call (abort_driver_call). On return the driver continues with the frame.
  virtual void trap(TrapFrame&) = 0;

  /// The handlers cut a call off (stack_overflow, hung). Ordinary code on the fiber, just before the call's guard takes
  /// over. For stack_overflow the frames of the innermost driver routines are intact, those of the outermost few KiB are
  /// not; for hung all are. Must return.
  virtual void call_aborted(Fiber&, const AbortRecord&) {}

  /// The driver's own use of stack passed the limit; told once per entry.
  virtual void stack_limit_exceeded(Fiber&, std::size_t /*bytes*/, const CodePlace&) {}

  /// The watchdog found the driver in a loop without preemption point. Ordinary code on its fiber, at an arbitrary
  /// instruction. True: something ran that might end the loop, go on; false: nothing could (counts towards the limit).
  virtual bool forced_preempt(TrapFrame&) { return false; }

  /// Nanoseconds on the machine's clock. Async-signal-safe.
  virtual std::uint64_t virtual_now() const { return 0; }

 protected:
  ~MachineHooks() = default;
};

/// The machine this OS thread drives now; null when none. Written by DrivingThread only.
extern __thread MachineHooks* t_current_machine;

/// Read through a laundered address: after a fiber has moved to another OS thread the compiler must not reuse the old
/// thread's. Read it once per border crossing and pass it on.
inline MachineHooks* current_machine() {
  MachineHooks** where = &t_current_machine;
  asm volatile("" : "+r"(where));
  return *where;
}

}  // namespace drydock
