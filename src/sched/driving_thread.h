#pragma once
// DrivingThread: for its lifetime this OS thread drives a machine: current_machine() finds it, signals have a stack, the
// handlers are installed (once per process, chaining to earlier ones), the watchdog ticks, and the gs base is put back at
// the end. One OS thread at a time per machine. Cheap after a thread's first time: no system call.

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
  std::uint64_t outer_gs_base_;
};

/// Makes `base` the gs segment of this OS thread: the page of the virtual CPU that runs. On every resume of a fiber.
void set_gs_base(const void* base);

/// What the trampoline calls for a synchronous trap: MachineHooks::trap of the current machine.
extern "C" void drydock_trap_service(TrapFrame* frame);

}  // namespace drydock
