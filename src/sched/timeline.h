#pragma once
// Timeline: the machine's clock and everything that is due on it. An Event is owned by whoever embeds it; the timeline
// holds pointers only. Events at the same instant fire in the order they were scheduled, so a run is repeatable.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sched/time.h"

namespace drydock {

class Timeline;

/// Something that happens once at a virtual time. Derive, implement fire(), embed. Destroying a pending event cancels it.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  bool pending() const { return slot_ != kNotPending; }
  /// When it is due; meaningful only while pending.
  Nanoseconds due() const { return due_; }

 protected:
  virtual ~Event();
  /// Runs on whatever stack reached the time; must not block or switch.
  virtual void fire() = 0;

 private:
  friend class Timeline;
  static constexpr std::size_t kNotPending = ~std::size_t{0};
  Nanoseconds due_ = 0;
  std::uint64_t order_ = 0;
  std::size_t slot_ = kNotPending;
  Timeline* timeline_ = nullptr;
};

class Timeline {
 public:
  Nanoseconds now() const { return now_; }

  /// Schedules `event` at now() + delay; a pending event is moved.
  void schedule(Event& event, Nanoseconds delay);
  void cancel(Event& event);

  bool empty() const { return heap_.empty(); }
  /// When the earliest event is due; ~0 when there is none.
  Nanoseconds next_due() const { return next_due_; }
  bool something_due() const { return next_due_ <= now_; }

  /// Moves the clock without firing anything.
  void advance(Nanoseconds by) { now_ += by; }
  /// The same; true when something is due, or was called urgent: the one question of every preemption point.
  bool advance_to_look(Nanoseconds by) { return (now_ += by) >= look_at_; }
  /// Something that is no event wants to be looked at, or no longer.
  void set_urgent(bool urgent) {
    urgent_ = urgent;
    look_at_ = urgent ? 0 : next_due_;
  }
  /// Fires everything due at or before now().
  void fire_due();
  /// Moves the clock to the earliest event and fires what is due then; false when nothing is pending.
  bool jump_to_next();

 private:
  static bool earlier(const Event& a, const Event& b) {
    return a.due_ != b.due_ ? a.due_ < b.due_ : a.order_ < b.order_;
  }
  void place(Event& event, std::size_t slot) {
    heap_[slot] = &event;
    event.slot_ = slot;
  }
  void note_first() {
    next_due_ = heap_.empty() ? ~Nanoseconds{0} : heap_.front()->due_;
    set_urgent(urgent_);
  }
  void sift_up(Event& event, std::size_t slot);
  void sift_down(Event& event, std::size_t slot);
  void remove(std::size_t slot);

  std::vector<Event*> heap_;
  Nanoseconds now_ = 0;
  Nanoseconds look_at_ = ~Nanoseconds{0};   ///< next_due_, or 0 when something is urgent
  Nanoseconds next_due_ = ~Nanoseconds{0};  ///< of the heap's first
  bool urgent_ = false;
  std::uint64_t order_ = 0;
};

}  // namespace drydock
