#include "port/storport/rescan.h"

#include <algorithm>
#include <utility>

#include "port/storport/adapter.h"

namespace drydock::storport {

void Rescan::ask(const BusScope& scope, bool state_change) {
  const auto same = [&](const Asked& a) {
    return a.scope.of == scope.of && a.scope.path == scope.path && a.scope.target == scope.target && a.scope.lun == scope.lun;
  };
  if (!state_change && std::any_of(asked_.begin(), asked_.end(), same)) return;
  if (!state_change && asked_.size() >= kAskedMax) return ask({}, false);
  asked_.push_back({scope, state_change});
  start();
}

void Rescan::watch(BusWatcher& watcher) {
  watcher_ = &watcher;
  start();
}

void Rescan::start() {
  if (running_ || watcher_ == nullptr || asked_.empty()) return;
  running_ = true;
  adapter_.services().scheduler.queue_task(*this, adapter_.services().scheduler.cpu().index);
}

void Rescan::run() {
  while (watcher_ != nullptr && adapter_.started() && !asked_.empty()) {
    const Asked next = asked_.front();
    asked_.erase(asked_.begin());
    watcher_->bus_changed(adapter_, next.scope);
    if (next.state_change) adapter_.deferred().state_change_processed();
  }
  running_ = false;
  if (waits_for_end_ != nullptr) adapter_.services().scheduler.wake(*std::exchange(waits_for_end_, nullptr));
}

void Rescan::end() {
  watcher_ = nullptr;
  asked_.clear();
  if (!running_) return;
  waits_for_end_ = adapter_.services().scheduler.thread();
  adapter_.services().scheduler.block();
}

}  // namespace drydock::storport
