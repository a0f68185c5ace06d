#pragma once
// DeviceObjects: the devices drivers made, and how they stand on each other. DEVICE_OBJECT is the storage of what drivers
// see; beside it are kept its name, the device below, who holds it, and where it was made. A device object that is deleted
// while somebody holds it (an open file, a queued work item, a device attached above) lives on until the last lets go.

#include <map>
#include <string>

#include "io/io_services.h"
#include "io/object_names.h"

namespace drydock {

struct DeviceFacts {
  DEVICE_OBJECT* device = nullptr;
  DEVICE_OBJECT* below = nullptr;  ///< what it is attached to
  std::u16string name;             ///< empty: none
  CodePlace made_at;
  unsigned holders = 0;
  bool deleted = false;
  bool physical = false;           ///< at the bottom of a stack: nobody's filter
  bool told_of_shutdown = false;   ///< IoRegisterShutdownNotification
  ULONG power_state = 0;           ///< DEVICE_POWER_STATE, as its driver says
  bool served = false;             ///< a request has reached it: its flags are what they will be
};

class DeviceObjects {
 public:
  explicit DeviceObjects(const IoServices& services) : services_(services) {}
  ~DeviceObjects();
  DeviceObjects(const DeviceObjects&) = delete;
  DeviceObjects& operator=(const DeviceObjects&) = delete;

  ObjectNames& names() { return names_; }

  struct Wanted {
    std::uint32_t extension_bytes = 0;
    std::u16string_view name;
    DEVICE_TYPE type = 0;
    std::uint32_t characteristics = 0;
    bool exclusive = false;
  };
  NTSTATUS create(DRIVER_OBJECT* driver, const Wanted& wanted, const CodePlace& where, DEVICE_OBJECT** device);
  void remove(DEVICE_OBJECT* device, const CodePlace& where);
  /// Null: the target is going away. DOC: BUF-100
  DEVICE_OBJECT* attach(DEVICE_OBJECT* source, DEVICE_OBJECT* target);
  void detach(DEVICE_OBJECT* target, const CodePlace& where);

  /// Null: no (longer a) device object.
  DeviceFacts* find(const DEVICE_OBJECT* device);
  static DEVICE_OBJECT* top_of(DEVICE_OBJECT* device) {
    while (device->AttachedDevice != nullptr) device = device->AttachedDevice;
    return device;
  }
  /// The I/O manager does it for devices made in DriverEntry.
  void clear_initializing(DRIVER_OBJECT* driver);
  void hold(DEVICE_OBJECT* device);
  void let_go(DEVICE_OBJECT* device);

  /// Devices that nobody deleted, in order of age.
  template <class F>
  void for_each_of(const DRIVER_OBJECT* driver, F&& f) {
    for (auto& [device, facts] : devices_)
      if (device->DriverObject == driver && !facts.deleted) f(facts);
  }

 private:
  void initialize(DEVICE_OBJECT& device, DRIVER_OBJECT* driver, const Wanted& wanted);
  void unlink(DEVICE_OBJECT* device);
  void free_if_unheld(DeviceFacts& facts);

  const IoServices& services_;
  ObjectNames names_;
  std::map<const DEVICE_OBJECT*, DeviceFacts> devices_;
  unsigned generated_names_ = 0;
};

}  // namespace drydock
