#include "self_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

#include "progress_bar.h"

namespace drydock {
namespace {

using StopFlag = std::shared_ptr<std::atomic<bool>>;

/// A thread takes the signals, so that no handler ever runs on a driver's stack. The first stops the check, the second
/// ends the process.
void wait_for_signals(sigset_t signals, StopFlag stop) {
  int number = 0;
  sigwait(&signals, &number);
  stop->store(true);
  sigwait(&signals, &number);
  _exit(128 + number);
}

StopFlag take_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto stop = std::make_shared<std::atomic<bool>>(false);
  std::thread(wait_for_signals, signals, stop).detach();
  return stop;
}

/// False: stopped by a signal.
bool check(Machine& machine, const StopFlag& stop) {
  ProgressBar bar;
  return machine.self_check([&](const SelfCheckProgress& progress) {
    bar.show(progress);
    return !stop->load();
  });
}

}  // namespace

SelfChecked self_check(const Options& options) {
  const StopFlag stop = take_signals();
  SelfChecked result;
  auto started = Machine::start(options);
  if (!started) {
    result.report = std::move(started.error.report);
    result.report.outcome = started.error.outcome;
    result.report.message = std::move(started.error.message);
    return result;
  }
  result.started = true;
  if (!check(*started.machine, stop)) fmt::print(stderr, "drydock: the check was stopped before its end; this is what it found so far\n");
  result.report = started.machine->stop();
  return result;
}

}  // namespace drydock
