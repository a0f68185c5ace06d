#include "self_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "progress_bar.h"

namespace drydock {
namespace {

/// A thread takes the signals, so that no handler ever runs on a driver's stack.
class Interruption {
 public:
  Interruption() {
    sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, number);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::thread([this] { watch(); }).detach();
  }
  bool requested() const { return requested_; }

 private:
  [[noreturn]] void watch() {
    for (;;) {
      int number = 0;
      sigwait(&signals_, &number);
      if (requested_.exchange(true)) _exit(128 + number);  // asked twice: now
    }
  }
  sigset_t signals_{};
  std::atomic<bool> requested_ = false;
};

}  // namespace

SelfChecked self_check(const Options& options) {
  static Interruption interruption;  // its thread outlives every run
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
    started.machine->self_check([&bar](const SelfCheckProgress& progress) {
      bar.show(progress);
      return !interruption.requested();
    });
  }
  result.report = started.machine->stop();
  return result;
}

}  // namespace drydock
