#include "device_list.h"

#include <fmt/format.h>

#include <algorithm>

namespace drydock {
namespace {

std::string option_line(const DeviceOption& option, std::size_t width) {
  const std::string fallback = option.fallback.empty() ? "" : fmt::format(" (default: {})", option.fallback);
  return fmt::format("    {:<{}}  {}{}\n", fmt::format("{}={}", option.key, option.values), width, option.help, fallback);
}

}  // namespace

std::string device_list(std::span<const DeviceType> types) {
  std::string text;
  for (const DeviceType& type : types) {
    text += fmt::format("{}  {}\n", type.name, type.help);
    std::size_t width = 0;
    for (const DeviceOption& option : type.options) width = std::max(width, option.key.size() + 1 + option.values.size());
    for (const DeviceOption& option : type.options) text += option_line(option, width);
  }
  return text;
}

}  // namespace drydock
