#pragma once
// Which disk is behind which device. Each device is an adapter of its own with one disk.

#include <string>
#include <vector>

#include "base/result.h"

namespace drydock {

inline constexpr std::size_t kAdaptersMax = 8;

struct AdapterSpec {
  std::string device, disk;  ///< as a user names them
};

/// The first disk on the first device, and so on. A single device is made for each disk; a single disk that is no file for each
/// device. Neither list is empty. A file can be behind two devices only if it is never written.
Result<std::vector<AdapterSpec>> pair_disks(const std::vector<std::string>& devices, const std::vector<std::string>& disks, bool read_only);

}  // namespace drydock
