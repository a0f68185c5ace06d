#pragma once
// `drydock devices`: what a driver can be put on, and each device's options.

#include <drydock/devices.h>

#include <span>
#include <string>

namespace drydock {

std::string device_list(std::span<const DeviceType> types);

}  // namespace drydock
