#include "self_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "progress_bar.h"

namespace drydock {
namespace {

/// A thread takes the signals, so that no handler ever runs on a driver's stack. The first stops the check, the second
/// ends the process. It ends with this object.
class SignalWaiter {
 public:
  SignalWaiter() {
    sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, end_signal()}) sigaddset(&signals_, number);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    thread_ = std::thread(&SignalWaiter::wait, this);
  }
  ~SignalWaiter() {
    pthread_kill(thread_.native_handle(), end_signal());
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;
  bool stopped() const { return stopped_; }

 private:
  static int end_signal() { return SIGRTMIN; }
  void wait() {
    int number = 0;
    sigwait(&signals_, &number);
    if (number == end_signal()) return;
    stopped_ = true;
    sigwait(&signals_, &number);
    if (number != end_signal()) _exit(128 + number);
  }
  sigset_t signals_{}, before_{};
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

/// False: stopped by a signal.
bool check(Machine& machine, const SignalWaiter& signals) {
  ProgressBar bar;
  return machine.self_check([&](const SelfCheckProgress& progress) {
    bar.show(progress);
    return !signals.stopped();
  });
}

}  // namespace

SelfChecked self_check(const Options& options) {
  const SignalWaiter signals;
  SelfChecked result;
  Options wanted = options;
  wanted.any_driver = true;  // one that is no miniport has no disk to check, but can be entered, opened and unloaded
  auto started = Machine::start(wanted);
  if (!started) {
    result.report = std::move(started.error.report);
    result.report.outcome = started.error.outcome;
    result.report.message = std::move(started.error.message);
    return result;
  }
  result.started = true;
  if (!check(*started.machine, signals)) fmt::print(stderr, "drydock: the check was stopped before its end; this is what it found so far\n");
  result.report = started.machine->stop();
  return result;
}

}  // namespace drydock
