#include "ddi/pool.h"

namespace drydock::ddi {

namespace {

const char* text_of(PoolFault fault) {
  switch (fault) {
    case PoolFault::not_a_block: return "the address is no pool block";
    case PoolFault::inside_block: return "the address points into a pool block, not at its start";
    default: return "the block was freed before";
  }
}

}  // namespace

bool pool_free(Call& call, void* memory) {
  const auto freed = call.services().pool.free(memory);
  if (!freed) {
    call.broken("VER-95", "0xC2", fmt::format("{}: {}", call.name(), text_of(freed.error())));
    return false;
  }
  if (freed->overrun)
    call.broken("VER-95", "0xC1", fmt::format("{}: bytes behind the block of {} bytes were changed", call.name(), freed->block.bytes));
  return true;
}

}  // namespace drydock::ddi
