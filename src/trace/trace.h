#pragma once
// Trace: one line where a fact happens, `trace.emit(DmaMapped{...})`; whoever cares observes. Without observers it costs
// one branch: write `if (trace.wanted())` only around building expensive fields. Facts that accuse a driver (RuleBroken,
// ForbiddenTouched, DmaRefused, MachineHalted) always have an observer when checks are on.

#include <algorithm>
#include <vector>

#include "trace/events.h"

namespace drydock {

class TraceObserver {
 public:
  virtual void observe(const TraceEvent& event) = 0;

 protected:
  ~TraceObserver() = default;
};

class Trace {
 public:
  bool wanted() const { return wanted_; }
  /// Is there an observer of ordinary events (the trace file), not only of broken rules?
  bool verbose() const { return verbose_; }

  template <class E>
  void emit(E&& event) {
    if (!wanted_) return;
    publish(TraceEvent(std::forward<E>(event)));
  }

  /// For the many ordinary events: built only when a trace is written.
  template <class Make>
  void note(Make&& make) {
    if (verbose_) [[unlikely]] publish(TraceEvent(make()));
  }

  void add(TraceObserver& observer, bool verbose) {
    observers_.push_back(&observer);
    wanted_ = true;
    verbose_ |= verbose;
  }
  void remove(TraceObserver& observer) {
    std::erase(observers_, &observer);
    wanted_ = !observers_.empty();
  }

 private:
  void publish(const TraceEvent& event) {
    for (TraceObserver* observer : observers_) observer->observe(event);
  }
  std::vector<TraceObserver*> observers_;
  bool wanted_ = false, verbose_ = false;
};

}  // namespace drydock
