#pragma once
// DrivingThread: for its lifetime this OS thread drives a machine: current_machine() finds it, signals have a stack, the
// handlers are installed (once per process, chaining to earlier ones), the watchdog ticks, and a gs base that somebody uses
// is put back at the end. One OS thread at a time per machine. Cheap after a thread's first time: no system call.
//
// What the handlers do with a fault: inside guarded_copy, the copy fails. In code of the current machine's images, the
// thread continues in the trap trampoline on the driver's stack (MachineHooks::trap), or, when that stack has run out, at
// the abort landing of the innermost guard. Anything else on a driving thread is drydock's own fault: an earlier handler
// gets it, else one line and exit status 5. Threads that drive no machine are left to the earlier handlers.

#include <ucontext.h>

#include <cstdint>

#include "sched/machine_hooks.h"

namespace drydock {

class DrivingThread {
 public:
  explicit DrivingThread(MachineHooks& machine);
  ~DrivingThread();
  DrivingThread(const DrivingThread&) = delete;
  DrivingThread& operator=(const DrivingThread&) = delete;

 private:
  MachineHooks* outer_;
  const void* outer_gs_base_;
};

/// True when wrgsbase and rdgsbase may be used; valgrind cannot, and old kernels do not allow it.
extern const bool kHasGsBaseInstructions;
void set_gs_base_by_system_call(const void* base);

/// The gs base of this OS thread as DrivingThread found it and set_gs_base() left it.
extern __thread const void* t_gs_base;

/// Makes `base` the gs segment of this OS thread: the page of the virtual CPU that runs. On every resume of a fiber.
inline void set_gs_base(const void* base) {
  const void** known = &t_gs_base;
  asm volatile("" : "+r"(known));  // as in current_machine()
  if (*known == base) return;
  *known = base;
  if (kHasGsBaseInstructions) [[likely]] {
    asm volatile("wrgsbase %0" : : "r"(base) : "memory");
  } else {
    set_gs_base_by_system_call(base);
  }
}

std::uint64_t current_gs_base();

/// What the trampoline calls for a synchronous trap: MachineHooks::trap of the current machine.
extern "C" void drydock_trap_service(TrapFrame* frame);

// --- for signal handlers of this folder --------------------------------------------------------------------------------

/// Sends the interrupted driver to the trampoline, with `service` to call, or to the landing when its stack has no room.
void divert_to_service(ucontext_t& context, Fiber& fiber, void (*service)(TrapFrame*), int signal, int code,
                       std::uint64_t fault_address);
void divert_to_landing(ucontext_t& context, Fiber& fiber, AbortReason reason, std::uint64_t fault_address);

/// Counts the driver's stack at a trap, and turns a requested abort into one when the trap is done.
class TrapCrossing {
 public:
  TrapCrossing(Fiber& fiber, TrapFrame& frame);
  ~TrapCrossing();
  TrapCrossing(const TrapCrossing&) = delete;
  TrapCrossing& operator=(const TrapCrossing&) = delete;

 private:
  Fiber& fiber_;
  TrapFrame& frame_;
};

}  // namespace drydock
