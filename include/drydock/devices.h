#pragma once
// The devices a driver can be put on, for programs that let somebody choose one (Options::devices).

#include <string>
#include <vector>

namespace drydock {

struct DeviceOption {
  std::string key;       ///< as in "virtio-blk,KEY=value"
  std::string values;    ///< what it may be: "1..64", "on|off"
  std::string fallback;  ///< when it is not given; empty: nothing special
  std::string help;
};

struct DeviceType {
  std::string name;  ///< as in Options::devices
  std::string help;  ///< one line
  std::vector<DeviceOption> options;
};

/// In the order of preference when neither the user nor the image decides.
std::vector<DeviceType> device_types();

}  // namespace drydock
