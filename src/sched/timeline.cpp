#include "sched/timeline.h"

namespace drydock {

Event::~Event() {
  if (pending()) timeline_->cancel(*this);
}

void Timeline::sift_up(Event& event, std::size_t slot) {
  while (slot > 0) {
    const std::size_t parent = (slot - 1) / 2;
    if (!earlier(event, *heap_[parent])) break;
    place(*heap_[parent], slot);
    slot = parent;
  }
  place(event, slot);
}

void Timeline::sift_down(Event& event, std::size_t slot) {
  const std::size_t count = heap_.size();
  for (;;) {
    std::size_t child = 2 * slot + 1;
    if (child >= count) break;
    if (child + 1 < count && earlier(*heap_[child + 1], *heap_[child])) ++child;
    if (!earlier(*heap_[child], event)) break;
    place(*heap_[child], slot);
    slot = child;
  }
  place(event, slot);
}

void Timeline::schedule(Event& event, Nanoseconds delay) {
  if (event.pending()) cancel(event);
  event.timeline_ = this;
  event.due_ = now_ + delay;
  event.order_ = order_++;
  heap_.push_back(&event);
  sift_up(event, heap_.size() - 1);
  note_first();
}

void Timeline::remove(std::size_t slot) {
  heap_[slot]->slot_ = Event::kNotPending;
  Event* last = heap_.back();
  heap_.pop_back();
  if (slot != heap_.size()) {
    sift_down(*last, slot);
    sift_up(*last, last->slot_);
  }
  note_first();
}

void Timeline::cancel(Event& event) {
  if (event.pending()) remove(event.slot_);
}

void Timeline::fire_due() {
  while (something_due()) {
    Event& event = *heap_.front();
    remove(0);
    event.fire();
  }
}

bool Timeline::jump_to_next() {
  if (heap_.empty()) return false;
  if (heap_.front()->due_ > now_) now_ = heap_.front()->due_;
  fire_due();
  return true;
}

}  // namespace drydock
