#pragma once
// Finding out what a unit is, and which units a target has, from what it says about itself. SPC-4, SBC-3

#include <cstdint>
#include <string>
#include <vector>

#include "disk/unit_commands.h"

namespace drydock {

/// What the unit said about itself.
struct DiskFacts {
  std::string vendor, product, revision, serial;
  std::uint64_t blocks = 0;
  std::uint32_t block_size = 512;
  bool read_only = false, write_cache = false, fua = false, unmap = false, write_same = false;
  std::uint32_t unmap_blocks_max = 0, write_same_blocks_max = 0;
};

enum class Presence : std::uint8_t {
  nothing,  ///< no such unit
  other,    ///< something answers there, but no disk that can be used
  disk,
};

Presence identify(UnitCommands& unit, DiskFacts& facts);

/// Is the disk that was found there still there? One that cannot say is not taken away: only a unit that is absent, or
/// that says it is another, is gone.
bool is_still(UnitCommands& unit, const DiskFacts& facts);

/// The units of the target that `unit` belongs to, by REPORT LUNS; empty when it does not say. Those that a byte can name.
std::vector<std::uint8_t> reported_luns(UnitCommands& unit);

}  // namespace drydock
