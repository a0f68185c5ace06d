#pragma once
// The watchdog: a timer on the CPU time of each driving OS thread that notices a driver running without any preemption
// point. The first silent ticks force a preemption (MachineHooks::forced_preempt); when nothing could end the loop for
// the whole limit, the call is abandoned with AbortReason::hung. It counts CPU time only, so neither a debugger stop nor
// a loaded host fires it. It decides nothing in a run that makes progress.

#include <csignal>
#include <cstdint>

#include "sched/machine_hooks.h"

namespace drydock {

inline constexpr std::uint32_t kWatchdogTickMs = 4;
inline constexpr std::uint32_t kHangLimitMs = 1000;

/// CPU time without progress after which a call is abandoned; 0 turns the watchdog off. Rounded up to ticks.
void set_hang_limit(MachineHooks& machine, std::uint32_t milliseconds);

}  // namespace drydock
