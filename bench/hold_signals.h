#pragma once
// callgrind 3.19 dies of a timer signal that meets a fiber: the watchdog's stays away while instructions are counted.

#include <pthread.h>
#include <signal.h>

namespace drydock::bench {

inline void hold_back_timer_signals() {
  sigset_t timers;
  sigemptyset(&timers);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&timers, signal);
  pthread_sigmask(SIG_BLOCK, &timers, nullptr);
}

}  // namespace drydock::bench
