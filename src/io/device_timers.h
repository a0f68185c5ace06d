#pragma once
// DeviceTimers: the one timer of a device object (IoInitializeTimer): once a second, at DISPATCH_LEVEL, while it is started.

#include <map>
#include <memory>

#include "io/device_objects.h"

namespace drydock {

class DeviceTimers {
 public:
  using Routine = void(MSABI*)(DEVICE_OBJECT*, void*);
  static constexpr Nanoseconds kPeriod = kSecond;

  explicit DeviceTimers(const IoServices& services);
  ~DeviceTimers();
  DeviceTimers(const DeviceTimers&) = delete;
  DeviceTimers& operator=(const DeviceTimers&) = delete;

  /// False: it has one already.
  bool add(DEVICE_OBJECT* device, Routine routine, void* context);
  // False: it has none.
  bool start(DEVICE_OBJECT* device);
  bool stop(DEVICE_OBJECT* device);
  void remove(const DEVICE_OBJECT* device);

 private:
  struct Timer;
  void fire(Timer& timer);
  void tick(Timer& timer);
  Timer* find(const DEVICE_OBJECT* device) const;
  const IoServices& services_;
  std::map<const DEVICE_OBJECT*, std::unique_ptr<Timer>> timers_;
};

}  // namespace drydock
