#include "sched/spin_lock.h"

namespace drydock {

// ASSUMED: a lock that is not released for 20 s never will be. scheduler_test: ALockThatIsNeverReleasedIsTakenOverAfterTwentySeconds
bool SpinWait::once() {
  constexpr std::uint32_t kPatientRounds = 10'000;
  constexpr Nanoseconds kStep = 100 * kMicrosecond, kLongest = 20 * kSecond;
  scheduler_.spin();
  if (++rounds_ > kPatientRounds) scheduler_.timeline().advance(kStep);
  return scheduler_.now() - since_ < kLongest;
}

MSABI SpinLock::Acquired SpinLock::wait(Scheduler& scheduler, unsigned self) noexcept {
  SpinWait round(scheduler);
  while (owner_ != 0) {
    if (owner_ == self) return Acquired::recursive;
    if (scheduler.cpu(owner_ - 1).current == nullptr) {
      owner_ = self;
      return Acquired::abandoned;
    }
    if (!round.once()) {
      owner_ = self;
      return Acquired::endless;
    }
  }
  owner_ = self;
  return Acquired::yes;
}

}  // namespace drydock
