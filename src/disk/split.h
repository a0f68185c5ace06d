#pragma once
// How a transfer is cut into pieces. Pure; a table tests it.

#include <cstdint>

#include "port/storport/configuration.h"

namespace drydock {

/// The blocks a piece may have: adapter's transfer length, physical breaks and the buffer's place in its page.
/// DOC: ST-16 breaks are pages. 0: the adapter cannot transfer even one block from there.
std::uint32_t blocks_in_piece(const storport::Claims& claims, std::uint64_t address, std::uint64_t blocks_left,
                              std::uint32_t block_size);

}  // namespace drydock
