// The catalogue of devices, in the words of the embedding API.

#include <drydock/devices.h>

#include "devices/catalogue.h"

namespace drydock {

std::vector<DeviceType> device_types() {
  std::vector<DeviceType> types;
  for (const DeviceKind& kind : device_kinds()) {
    DeviceType type{std::string(kind.name), std::string(kind.help), {}};
    for (const DeviceOptionHelp& option : kind.options)
      type.options.push_back({std::string(option.key), std::string(option.values), std::string(option.fallback), std::string(option.help)});
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace drydock
