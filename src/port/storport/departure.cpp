#include "port/storport/departure.h"

#include <utility>

#include "port/storport/adapter.h"

namespace drydock::storport {

// ASSUMED: Plug and Play notices at once that a device is gone; Windows learns it from the hot-plug controller, some time later (test Departure.IsToldToWhoSupportsIt_AndNothingMoreIsStarted)
void Departure::noticed() {
  if (running_ || !adapter_.started()) return;
  running_ = true;
  adapter_.services().scheduler.queue_task(*this, 0);
}

void Departure::run() {
  if (adapter_.started()) adapter_.surprise_removed();
  running_ = false;
  if (waits_for_end_ != nullptr) adapter_.services().scheduler.wake(*std::exchange(waits_for_end_, nullptr));
}

void Departure::end() {
  if (!running_) return;
  waits_for_end_ = adapter_.services().scheduler.thread();
  adapter_.services().scheduler.block();
}

}  // namespace drydock::storport
