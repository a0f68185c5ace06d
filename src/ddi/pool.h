#pragma once
// Pool on behalf of the driver: what every allocating export shares.

#include "ddi/call.h"

namespace drydock::ddi {

void* pool_allocate(Call& call, std::uint64_t bytes, std::uint32_t tag, PoolKind kind = PoolKind::nonpaged);

/// False after a finding: the address is no block's. DOC: VER-95 An overrun is a finding too.
bool pool_free(Call& call, void* memory);

}  // namespace drydock::ddi
