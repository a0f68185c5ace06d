#include "disk/split.h"

#include <algorithm>

#include "base/address.h"

namespace drydock {

std::uint32_t blocks_in_piece(const storport::Claims& claims, std::uint64_t address, std::uint64_t blocks_left,
                              std::uint32_t block_size) {
  const std::uint64_t by_breaks = std::uint64_t{claims.breaks} * kPageSize - (address & kPageMask);
  const std::uint64_t bytes = std::min<std::uint64_t>(claims.transfer_max, by_breaks);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks_left, bytes / block_size));
}

}  // namespace drydock
