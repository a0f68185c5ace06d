#pragma once
// DeviceInterfaces: names by which programs find devices of a class (IoRegisterDeviceInterface). An interface that is
// enabled is a symbolic link to the physical device object.

#include <string>
#include <vector>

#include "io/device_objects.h"

namespace drydock {

class DeviceInterfaces {
 public:
  explicit DeviceInterfaces(DeviceObjects& devices) : devices_(devices) {}

  /// The link's name, the same for the same device, class and reference.
  std::u16string add(DEVICE_OBJECT* physical, const GUID& interface_class, std::u16string_view reference);
  /// STATUS_OBJECT_NAME_NOT_FOUND: there is none of that name; STATUS_OBJECT_NAME_EXISTS: enabled already.
  NTSTATUS enable(std::u16string_view link, bool enabled);
  /// Of a class; of one device, when it is given; without `all` only those that are enabled.
  std::vector<std::u16string> of_class(const GUID& interface_class, const DEVICE_OBJECT* physical, bool all) const;
  void device_is_gone(const DEVICE_OBJECT* physical);

 private:
  struct Interface {
    DEVICE_OBJECT* physical;
    GUID interface_class;
    std::u16string link;
    bool enabled = false;
  };
  DeviceObjects& devices_;
  std::vector<Interface> interfaces_;
};

}  // namespace drydock
