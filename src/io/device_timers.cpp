#include "io/device_timers.h"

namespace drydock {

struct DeviceTimers::Timer final : Event, Dpc {
  explicit Timer(DeviceTimers& o) : owner(o) {}
  ~Timer() override = default;
  void fire() override { owner.fire(*this); }
  void run() override { owner.tick(*this); }
  DeviceTimers& owner;
  DEVICE_OBJECT* device = nullptr;
  Routine routine = nullptr;
  void* context = nullptr;
  bool started = false;
};

DeviceTimers::DeviceTimers(const IoServices& services) : services_(services) {}

DeviceTimers::~DeviceTimers() = default;

DeviceTimers::Timer* DeviceTimers::find(const DEVICE_OBJECT* device) const {
  const auto at = timers_.find(device);
  return at == timers_.end() ? nullptr : at->second.get();
}

bool DeviceTimers::add(DEVICE_OBJECT* device, Routine routine, void* context) {
  if (find(device) != nullptr) return false;
  auto timer = std::make_unique<Timer>(*this);
  timer->device = device, timer->routine = routine, timer->context = context;
  timers_[device] = std::move(timer);
  return true;
}

bool DeviceTimers::start(DEVICE_OBJECT* device) {
  Timer* timer = find(device);
  if (timer == nullptr) return false;
  timer->started = true;
  if (!timer->pending()) services_.scheduler.timeline().schedule(*timer, kPeriod);
  return true;
}

bool DeviceTimers::stop(DEVICE_OBJECT* device) {
  Timer* timer = find(device);
  if (timer == nullptr) return false;
  timer->started = false;
  services_.scheduler.timeline().cancel(*timer);
  return true;
}

void DeviceTimers::remove(const DEVICE_OBJECT* device) {
  Timer* timer = find(device);
  if (timer == nullptr) return;
  timer->started = false;
  services_.scheduler.timeline().cancel(*timer);
  services_.scheduler.cancel_dpc(*timer);
  timers_.erase(device);
}

void DeviceTimers::fire(Timer& timer) {
  services_.scheduler.timeline().schedule(timer, kPeriod);
  services_.scheduler.queue_dpc(timer, 0);
}

// The routine may stop the timer, or end the device.
void DeviceTimers::tick(Timer& timer) {
  if (timer.started) services_.call("IO_TIMER_ROUTINE", EntryKind::dpc, timer.routine, timer.device, timer.context);
}

}  // namespace drydock
