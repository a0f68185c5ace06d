#include "sched/watchdog.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "abi/memcheck.h"
#include "base/check.h"
#include "sched/driving_thread.h"
#include "sched/guard.h"

namespace drydock {

int watchdog_signal() { return SIGRTMIN + 7; }

void set_hang_limit(MachineHooks& machine, std::uint32_t milliseconds) {
  machine.watchdog.silent_ticks_limit = (milliseconds + kWatchdogTickMs - 1) / kWatchdogTickMs;
}

namespace {

/// What the trampoline calls after a silent tick inside a driver.
void preempt_service(TrapFrame* frame) {
  MachineHooks* machine = current_machine();
  Fiber& fiber = *machine->current_fiber;
  const TrapCrossing crossing(fiber, *frame);
  WatchdogState& state = machine->watchdog;
  const std::uint32_t silent = state.silent_ticks.load(std::memory_order_relaxed);
  const bool goes_on = machine->forced_preempt(*frame);
  const bool silent_still = machine->progress == state.progress_seen.load(std::memory_order_relaxed);
  const bool hung = !goes_on && silent_still && silent >= state.silent_ticks_limit;
  if (goes_on || hung) state.silent_ticks.store(0, std::memory_order_relaxed);
  if (hung) cut_off(fiber, AbortReason::hung, frame->gregs, 0);
}

/// As it is in memory at the moment of the signal.
std::uint64_t progress_of(MachineHooks& machine) { return *static_cast<volatile std::uint64_t*>(&machine.progress); }

/// Ticks in a row without progress, this one included; 0 when there was some.
std::uint32_t count_silent_tick(MachineHooks& machine) {
  WatchdogState& state = machine.watchdog;
  const std::uint64_t progress = progress_of(machine);
  if (progress != state.progress_seen.load(std::memory_order_relaxed)) {
    state.progress_seen.store(progress, std::memory_order_relaxed);
    state.silent_ticks.store(0, std::memory_order_relaxed);
    return 0;
  }
  const std::uint32_t silent = state.silent_ticks.load(std::memory_order_relaxed) + 1;
  state.silent_ticks.store(silent, std::memory_order_relaxed);
  return silent;
}

/// True when the innermost call has been in progress for too long.
bool count_call_tick(EntryGuard& call, std::uint64_t now) {
  if (call.ticks == 0) call.first_tick = now;
  ++call.ticks;
  return call.ticks >= kCallLimitMs / kWatchdogTickMs && now - call.first_tick >= kCallLimitVirtualNs;
}

void on_tick(int signal, siginfo_t* info, void* context_pointer) {
  const int saved_errno = errno;
  auto& context = *static_cast<ucontext_t*>(context_pointer);
  MachineHooks* machine = t_current_machine;
  if (!machine || machine->watchdog.silent_ticks_limit == 0) return;
  Fiber* fiber = machine->current_fiber;
  const bool in_a_driver_call = fiber && fiber->running() && fiber->innermost_guard();
  const std::uint32_t silent = count_silent_tick(*machine);
  if (in_a_driver_call && silent != 0) {
    const auto rip = static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
    if (machine->images.contains(rip))
      divert_to_service(context, *fiber, &preempt_service, signal, info->si_code, 0);
    else if (silent >= machine->watchdog.silent_ticks_limit)
      fiber->request_abort_of_silent(progress_of(*machine));
  }
  if (in_a_driver_call && count_call_tick(*fiber->innermost_guard(), machine->virtual_now())) fiber->request_abort(AbortReason::endless);
  errno = saved_errno;
}

}  // namespace

void install_watchdog_handler() {
  struct sigaction action {};
  action.sa_sigaction = &on_tick;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(watchdog_signal(), &action, nullptr);
}

WatchdogTimer::~WatchdogTimer() {
  if (owner_process_ == getpid()) timer_delete(timer_);
}

void WatchdogTimer::arm() {
  if (owner_process_ == getpid()) return;
  // valgrind 3.19 loses the registers that a handler has changed when another signal comes right behind it.
  if (memcheck::running()) return;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = watchdog_signal();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  const int created = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer_);
  CHECK(created == 0, "no watchdog timer: {}", std::strerror(errno));
  itimerspec every{};
  every.it_interval.tv_nsec = every.it_value.tv_nsec = kWatchdogTickMs * 1'000'000L;
  timer_settime(timer_, 0, &every, nullptr);
  owner_process_ = getpid();
}

}  // namespace drydock
