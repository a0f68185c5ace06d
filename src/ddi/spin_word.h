#pragma once
// A spin lock whose word lies in driver memory (KSPIN_LOCK, STOR_KSPIN_LOCK): a plain checked store of owner + 1, as one
// OS thread runs the machine. The IRQL is the caller's business.

#include "ddi/call.h"
#include "sched/spin_lock.h"

namespace drydock::ddi {

/// `word` is drydock's alias. Waiting is a preemption point at which the owner goes on.
void acquire_word(Call& call, ULONG_PTR& word);
void release_word(Call& call, ULONG_PTR& word);

/// For the routines that are documented as atomic with the lock they are given: any IRQL, held for one operation.
class HeldWord {
 public:
  HeldWord(Call& call, ULONG_PTR& word) : call_(call), word_(word), irql_(call.scheduler().raise_irql(kHighLevel)) {
    acquire_word(call_, word_);
  }
  ~HeldWord() {
    release_word(call_, word_);
    call_.scheduler().lower_irql(irql_);
  }
  HeldWord(const HeldWord&) = delete;
  HeldWord& operator=(const HeldWord&) = delete;

 private:
  Call& call_;
  ULONG_PTR& word_;
  Irql irql_;
};

}  // namespace drydock::ddi
