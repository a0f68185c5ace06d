#include "io/device_interfaces.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace drydock {

namespace {

bool same(const GUID& a, const GUID& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

std::string text_of(const GUID& guid) {
  std::string text = fmt::format("{{{:08x}-{:04x}-{:04x}-{:02x}{:02x}-", static_cast<std::uint32_t>(guid.Data1), guid.Data2, guid.Data3, guid.Data4[0], guid.Data4[1]);
  for (int i = 2; i < 8; ++i) text += fmt::format("{:02x}", guid.Data4[i]);
  return text + "}";
}

}  // namespace

std::u16string DeviceInterfaces::add(DEVICE_OBJECT* physical, const GUID& interface_class, std::u16string_view reference) {
  const DeviceFacts* facts = devices_.find(physical);
  const std::size_t last = facts->name.rfind(u'\\');
  std::u16string link = u"\\??\\DRYDOCK#Device#";
  link += last == std::u16string::npos ? facts->name : facts->name.substr(last + 1);
  link += u'#';
  for (const char c : text_of(interface_class)) link += static_cast<char16_t>(c);
  if (!reference.empty()) link += u'\\', link += reference;
  const auto known = std::find_if(interfaces_.begin(), interfaces_.end(), [&](const Interface& one) { return one.link == link; });
  if (known == interfaces_.end()) interfaces_.push_back({physical, interface_class, link, false});
  return link;
}

NTSTATUS DeviceInterfaces::enable(std::u16string_view link, bool enabled) {
  const auto at = std::find_if(interfaces_.begin(), interfaces_.end(), [&](const Interface& one) { return one.link == link; });
  if (at == interfaces_.end()) return STATUS_OBJECT_NAME_NOT_FOUND;
  if (at->enabled == enabled) return enabled ? STATUS_OBJECT_NAME_EXISTS : STATUS_OBJECT_NAME_NOT_FOUND;
  at->enabled = enabled;
  if (!enabled) return devices_.names().remove_link(link);
  return devices_.names().add_link(link, devices_.find(at->physical)->name);
}

std::vector<std::u16string> DeviceInterfaces::of_class(const GUID& interface_class, const DEVICE_OBJECT* physical, bool all) const {
  std::vector<std::u16string> links;
  for (const Interface& one : interfaces_)
    if (same(one.interface_class, interface_class) && (physical == nullptr || physical == one.physical) && (all || one.enabled)) links.push_back(one.link);
  return links;
}

void DeviceInterfaces::device_is_gone(const DEVICE_OBJECT* physical) {
  for (const Interface& one : interfaces_)
    if (one.physical == physical && one.enabled) (void)devices_.names().remove_link(one.link);
  std::erase_if(interfaces_, [&](const Interface& one) { return one.physical == physical; });
}

}  // namespace drydock
