#include "sched/spin_lock.h"

namespace drydock {

MSABI SpinLock::Acquired SpinLock::wait(Scheduler& scheduler, unsigned self) noexcept {
  while (owner_ != 0) {
    if (owner_ == self) return Acquired::recursive;
    if (scheduler.cpu(owner_ - 1).current == nullptr) {
      owner_ = self;
      return Acquired::abandoned;
    }
    scheduler.spin();
  }
  owner_ = self;
  return Acquired::yes;
}

}  // namespace drydock
