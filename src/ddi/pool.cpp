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

/// With the block's history, where it is known.
void broken(Call& call, std::string_view rule, std::string_view code, std::string message, const void* memory) {
  const GuardedMemory* guarded = call.services().pool.guarded();
  const GuardedObject* object = guarded == nullptr ? nullptr : guarded->find(reinterpret_cast<std::uint64_t>(memory));
  call.services().trace.emit(RuleBroken{rule, code, std::move(message), call.place(), object == nullptr ? std::vector<RelatedStack>{} : history_of(*object)});
}

}  // namespace

// DOC: VER-121 a write after the end, seen when the room is given out again.
void* pool_allocate(Call& call, std::uint64_t bytes, std::uint32_t tag, PoolKind kind) {
  Pool& pool = call.services().pool;
  void* memory = pool.allocate(bytes, kind, tag, call.place());
  if (const auto spoiled = pool.take_spoiled(); spoiled && spoiled->place.rip != 0)
    call.services().trace.emit(RuleBroken{"VER-121", "0xC1", fmt::format("a pool block of {} bytes was written after it had been freed", spoiled->bytes),
                                          {}, {{"allocated at", {spoiled->place.rip}}}});
  return memory;
}

// DOC: VER-162 a block that goes away holds nothing the kernel still uses.
static void evict_from(Call& call, void* memory) {
  if (!call.kernel().has_objects()) return;
  const auto block = call.services().pool.find(reinterpret_cast<std::uint64_t>(memory));
  const void* alias = block ? call.memory().alias(memory) : nullptr;
  if (alias == nullptr) return;
  for (const Remnant& remnant : call.kernel().objects().evict(alias, block->bytes)) {
    std::vector<RelatedStack> related;
    if (remnant.where.rip != 0) related.push_back({"made at", {remnant.where.rip}});
    call.services().trace.emit(RuleBroken{"VER-162", remnant.code, fmt::format("{}: the pool block contains {}", call.name(), remnant.what), call.place(), related});
  }
}

// DOC: MDL-36
static void look_at_user_mappings(Call& call, const void* memory) {
  const auto block = call.services().pool.find(reinterpret_cast<std::uint64_t>(memory));
  if (!block) return;
  for (std::uint64_t at = block->address & ~kPageMask; at < block->address + block->bytes; at += kPageSize)
    if (call.kernel().spaces().mapping_of(call.memory().find(at)->page()))
      return call.broken("MDL-36", "", fmt::format("{}: the block of {} bytes is still mapped into a process", call.name(), block->bytes));
}

bool pool_free(Call& call, void* memory) {
  if (call.kernel().spaces().maps_any()) look_at_user_mappings(call, memory);
  evict_from(call, memory);
  const auto freed = call.services().pool.free(memory, call.place());
  if (freed) call.kernel().mdls().memory_freed(call.memory().alias(memory), freed->block.bytes);
  if (!freed) {
    broken(call, "VER-95", "0xC2", fmt::format("{}: {}", call.name(), text_of(freed.error())), memory);
    return false;
  }
  // DOC: VER-120
  if (freed->overrun)
    broken(call, "VER-120", "0xC1", fmt::format("{}: bytes beside the block of {} bytes were changed", call.name(), freed->block.bytes), memory);
  return true;
}

}  // namespace drydock::ddi
