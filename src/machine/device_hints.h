#pragma once
// Which device a driver is for, by what it says itself: the PCI hardware IDs (PCI\VEN_xxxx&DEV_yyyy) in the .inf beside it,
// else in its own bytes. Only a device that drydock has counts as an answer.

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace drydock {

/// The device, as --device names it, of the first hardware ID in `text` that drydock has, in ASCII or UTF-16, whatever the
/// case; none when there is no such ID.
std::optional<std::string> device_named_in(std::span<const std::byte> text);

/// For the driver at this path whose file holds `image`. An .inf that cannot be read is no hint.
std::optional<std::string> device_hinted_by(const std::string& driver_path, std::span<const std::byte> image);
/// The same, reading the file.
std::optional<std::string> device_hinted_by(const std::string& driver_path);

}  // namespace drydock
