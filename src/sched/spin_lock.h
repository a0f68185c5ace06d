#pragma once
// SpinLock: a checked plain store, not an atomic, since one OS thread runs the machine. Raising the IRQL is the caller's
// business; waiting is a preemption point at which the owner goes on.

#include "sched/scheduler.h"

namespace drydock {

/// The rounds of one wait for a lock. The longer it lasts, the faster time passes; a lock that is not released for longer
/// than Windows lets a DPC run is never released: its owner has forgotten it, or waits for a lock of the waiter's.
class SpinWait {
 public:
  explicit SpinWait(Scheduler& scheduler) : scheduler_(scheduler), since_(scheduler.now()) {}
  /// One round. False: it has lasted too long.
  bool once();

 private:
  Scheduler& scheduler_;
  Nanoseconds since_;
  std::uint32_t rounds_ = 0;
};

class SpinLock {
 public:
  enum class Acquired : std::uint8_t {
    yes,
    recursive,  ///< this CPU holds it already: on Windows the CPU would hang here
    abandoned,  ///< its owner went away without releasing it; taken over
    endless,    ///< its owner runs and never releases it; taken over
  };

  Acquired acquire(Scheduler& scheduler) {
    const unsigned self = scheduler.cpu().index + 1;
    if (owner_ == 0) [[likely]] {
      owner_ = self;
      return Acquired::yes;
    }
    return wait(scheduler, self);
  }
  void release() { owner_ = 0; }
  bool held() const { return owner_ != 0; }
  bool held_by(const VirtualCpu& cpu) const { return owner_ == cpu.index + 1; }

 private:
  [[gnu::noinline]] MSABI Acquired wait(Scheduler& scheduler, unsigned self) noexcept;
  unsigned owner_ = 0;  ///< CPU number + 1; 0: free
};

}  // namespace drydock
