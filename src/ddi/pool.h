#pragma once
// Pool on behalf of the driver: what every allocating export shares.

#include "ddi/call.h"

namespace drydock::ddi {

inline void* pool_allocate(Call& call, std::uint64_t bytes, std::uint32_t tag) {
  return call.services().pool.allocate(bytes, PoolKind::nonpaged, tag, call.place());
}

/// False after a finding: the address is no block's, or an overrun was found. DOC: VER-95
bool pool_free(Call& call, void* memory);

}  // namespace drydock::ddi
