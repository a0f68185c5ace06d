#include "io/object_names.h"

#include <algorithm>

namespace drydock {

namespace {

constexpr std::u16string_view kDos = u"\\??\\";
constexpr std::u16string_view kSpellingsOfDos[] = {u"\\DOSDEVICES\\", u"\\GLOBAL??\\", u"\\??\\"};

bool is_name(std::u16string_view name) { return name.size() > 1 && name.front() == u'\\' && name.back() != u'\\'; }

}  // namespace

std::u16string_view view_of(const UNICODE_STRING& text) {
  return {reinterpret_cast<const char16_t*>(text.Buffer), text.Buffer == nullptr ? 0 : text.Length / sizeof(char16_t)};
}

std::string narrow(std::u16string_view text) {
  std::string narrowed;
  for (const char16_t unit : text) narrowed += unit < 0x80 ? static_cast<char>(unit) : '?';
  return narrowed;
}

std::u16string ObjectNames::folded(std::u16string_view name) {
  std::u16string upper(name);
  for (char16_t& unit : upper)
    if (unit >= u'a' && unit <= u'z') unit = static_cast<char16_t>(unit - u'a' + u'A');
  for (const std::u16string_view spelling : kSpellingsOfDos)
    if (upper.starts_with(spelling)) return std::u16string(kDos) + upper.substr(spelling.size());
  return upper;
}

NTSTATUS ObjectNames::add_device(std::u16string_view name, DEVICE_OBJECT* device) {
  if (!is_name(name)) return STATUS_OBJECT_NAME_INVALID;
  if (links_.contains(folded(name))) return STATUS_OBJECT_NAME_COLLISION;
  return devices_.try_emplace(folded(name), device).second ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
}

NTSTATUS ObjectNames::add_link(std::u16string_view name, std::u16string_view target) {
  if (!is_name(name) || !is_name(target)) return STATUS_OBJECT_NAME_INVALID;
  if (devices_.contains(folded(name))) return STATUS_OBJECT_NAME_COLLISION;
  return links_.try_emplace(folded(name), std::u16string(target)).second ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
}

NTSTATUS ObjectNames::remove_link(std::u16string_view name) {
  return links_.erase(folded(name)) != 0 ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

// The longest prefix that is a device or a link, at a backslash.
ObjectNames::Found ObjectNames::find(std::u16string_view name) const {
  std::u16string at(name);
  for (unsigned links = 0; links < kLinksMax; ++links) {
    bool followed = false;
    for (std::size_t end = at.size(); end != 0 && end != std::u16string::npos && !followed; end = at.find_last_of(u'\\', end - 1)) {
      const std::u16string key = folded(std::u16string_view(at).substr(0, end));
      if (const auto device = devices_.find(key); device != devices_.end()) return {device->second, at.substr(end)};
      if (const auto link = links_.find(key); link != links_.end()) at = link->second + at.substr(end), followed = true;
    }
    if (!followed) break;
  }
  return {};
}

std::u16string ObjectNames::of_win32(std::string_view path) {
  std::u16string name;
  if (path.starts_with("\\\\.\\") || path.starts_with("\\\\?\\")) {
    name = kDos;
    path.remove_prefix(4);
  }
  for (const char c : path) name += static_cast<char16_t>(static_cast<unsigned char>(c));
  return name;
}

}  // namespace drydock
