#pragma once
// The names of the NBD exports: disk0, disk1 and so on, in the order of the machine's disks. The empty name, which clients send
// when nobody says otherwise, is disk0.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace drydock {

inline std::string export_name(std::size_t disk) { return "disk" + std::to_string(disk); }

/// Which of `disks` is meant; none when there is no such export.
inline std::optional<std::size_t> disk_of_export(std::string_view name, std::size_t disks) {
  if (name.empty()) return 0;
  for (std::size_t i = 0; i < disks; ++i)
    if (name == export_name(i)) return i;
  return std::nullopt;
}

}  // namespace drydock
