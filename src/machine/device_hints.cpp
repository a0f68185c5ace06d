#include "machine/device_hints.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "devices/catalogue.h"

namespace drydock {

namespace {

constexpr std::uintmax_t kFileMax = 64u << 20;

// A text of one or two bytes a character, looked at as ASCII; '\0' for every other character and beyond the end.
struct Letters {
  std::span<const std::byte> bytes;
  std::size_t width;
  char operator[](std::size_t i) const {
    const std::size_t at = i * width;
    if (at + width > bytes.size() || (width == 2 && bytes[at + 1] != std::byte{0})) return 0;
    const auto c = static_cast<char>(bytes[at]);
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  }
  std::size_t size() const { return bytes.size() / width; }
};

bool reads(const Letters& letters, std::size_t at, std::string_view what) {
  for (std::size_t i = 0; i < what.size(); ++i)
    if (letters[at + i] != what[i]) return false;
  return true;
}

std::optional<std::uint16_t> four_digits(const Letters& letters, std::size_t at) {
  unsigned value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const char c = letters[at + i];
    if (c >= '0' && c <= '9') value = value * 16 + static_cast<unsigned>(c - '0');
    else if (c >= 'A' && c <= 'F') value = value * 16 + static_cast<unsigned>(c - 'A' + 10);
    else return std::nullopt;
  }
  return static_cast<std::uint16_t>(value);
}

std::optional<std::string> kind_with(std::uint16_t vendor, std::uint16_t device) {
  for (const DeviceKind& kind : device_kinds())
    for (const DeviceKind::Id& id : kind.ids)
      if (id.vendor == vendor && id.device == device) return std::string(id.spec);
  return std::nullopt;
}

std::optional<std::string> first_kind_in(const Letters& letters) {
  constexpr std::string_view kVendor = "PCI\\VEN_", kDevice = "&DEV_";
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (letters[i] != 'P' || !reads(letters, i, kVendor) || !reads(letters, i + kVendor.size() + 4, kDevice)) continue;
    const auto vendor = four_digits(letters, i + kVendor.size()), device = four_digits(letters, i + kVendor.size() + 4 + kDevice.size());
    if (vendor && device)
      if (auto kind = kind_with(*vendor, *device)) return kind;
  }
  return std::nullopt;
}

std::vector<std::byte> contents(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > kFileMax) return {};
  std::vector<std::byte> bytes(size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  return bytes;
}

}  // namespace

// UTF-16 may begin at either parity in an image.
std::optional<std::string> device_named_in(std::span<const std::byte> text) {
  if (auto kind = first_kind_in({text, 1})) return kind;
  if (auto kind = first_kind_in({text, 2})) return kind;
  return text.empty() ? std::nullopt : first_kind_in({text.subspan(1), 2});
}

std::optional<std::string> device_hinted_by(const std::string& driver_path, std::span<const std::byte> image) {
  for (const char* extension : {".inf", ".INF", ".Inf"})
    if (auto kind = device_named_in(contents(std::filesystem::path(driver_path).replace_extension(extension)))) return kind;
  return device_named_in(image);
}

std::optional<std::string> device_hinted_by(const std::string& driver_path) { return device_hinted_by(driver_path, contents(driver_path)); }

}  // namespace drydock
