#include "self_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "progress_bar.h"

namespace drydock {
namespace {

/// A thread takes the signals, so that no handler ever runs on a driver's stack. It says on the first that it was heard
/// and ends the process on the second.
void wait_for_signals(sigset_t signals) {
  int number = 0;
  sigwait(&signals, &number);
  fmt::print(stderr, "\ndrydock: the check is coming to its end (once more: now)\n");
  sigwait(&signals, &number);
  _exit(128 + number);
}

void take_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(wait_for_signals, signals).detach();
}

}  // namespace

SelfChecked self_check(const Options& options) {
  take_signals();
  SelfChecked result;
  auto started = Machine::start(options);
  if (!started) {
    result.report = std::move(started.error.report);
    result.report.outcome = started.error.outcome;
    result.report.message = std::move(started.error.message);
    return result;
  }
  result.started = true;
  {
    ProgressBar bar;
    started.machine->self_check([&bar](const SelfCheckProgress& progress) { bar.show(progress); });
  }
  result.report = started.machine->stop();
  return result;
}

}  // namespace drydock
