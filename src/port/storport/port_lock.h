#pragma once
// PortLock: one of Storport's spin locks as a driver takes it. A second acquisition by the CPU that holds the lock, at
// which Windows would hang, is counted, so that the run goes on after the finding with the lock still held. DOC: ST-79

#include "sched/spin_lock.h"

namespace drydock::storport {

class PortLock {
 public:
  SpinLock::Acquired acquire(Scheduler& scheduler) {
    const SpinLock::Acquired how = lock_.acquire(scheduler);
    if (how == SpinLock::Acquired::recursive) [[unlikely]] ++again_;
    if (how == SpinLock::Acquired::abandoned) [[unlikely]] again_ = 0;
    return how;
  }
  void release() {
    if (again_ != 0) [[unlikely]] --again_;
    else lock_.release();
  }
  bool free() const { return !lock_.held(); }
  bool held_by(const VirtualCpu& cpu) const { return lock_.held_by(cpu); }

 private:
  SpinLock lock_;
  unsigned again_ = 0;
};

}  // namespace drydock::storport
