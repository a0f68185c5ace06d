#pragma once
// The watchdog: a timer on the CPU time of each driving OS thread that notices a driver running without any preemption
// point. A silent tick forces a preemption (MachineHooks::forced_preempt); when nothing could end the loop for the whole
// limit, the call is abandoned with AbortReason::hung. It counts CPU time only, so neither a debugger stop nor a loaded
// host fires it. It decides nothing in a run that makes progress. Silence of drydock's own code is noted too: the call is
// then abandoned at the next return to the driver, unless there was progress after all. A call that does pass preemption
// points but has not come back after a long time, on the processor and on the machine's clock, is abandoned as endless.

#include <ctime>
#include <cstdint>

#include "sched/machine_hooks.h"

namespace drydock {

inline constexpr std::uint32_t kWatchdogTickMs = 4;
inline constexpr std::uint32_t kHangLimitMs = 1000;
// ASSUMED: a call is endless beyond both: time on the host's processor, and on the machine's clock (Windows' own watchdog
// gives a single DPC 20 s). watchdog_test: a_call_that_makes_progress_and_never_returns_is_endless
inline constexpr std::uint32_t kCallLimitMs = 2000;
inline constexpr std::uint64_t kCallLimitVirtualNs = 20'000'000'000;

/// CPU time without progress after which a call is abandoned; 0 turns the watchdog off. Rounded up to ticks.
void set_hang_limit(MachineHooks& machine, std::uint32_t milliseconds);

/// The timer of one OS thread. It runs on while the thread drives nothing (a tick then finds no machine), so that
/// taking and leaving a machine costs no system call.
class WatchdogTimer {
 public:
  WatchdogTimer() = default;
  ~WatchdogTimer();
  WatchdogTimer(const WatchdogTimer&) = delete;
  WatchdogTimer& operator=(const WatchdogTimer&) = delete;
  /// Starts it; after a fork, anew.
  void arm();

 private:
  timer_t timer_{};
  int owner_process_ = 0;
};

/// Part of installing the handlers of a process.
int watchdog_signal();
void install_watchdog_handler();

}  // namespace drydock
