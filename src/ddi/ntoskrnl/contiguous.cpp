// ntoskrnl.exe: contiguous and non-cached memory.

#include "ddi/modules.h"
#include "mem/contiguous_memory.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
using Kind = ContiguousMemory::Kind;

std::uint64_t number(PHYSICAL_ADDRESS address) { return static_cast<std::uint64_t>(address.QuadPart); }

void* allocate_kind(Call& call, SIZE_T bytes, const ContiguousLimits& limits, Kind kind) {
  const auto address = call.kernel().contiguous().allocate(bytes, limits, kind, call.place());
  return address ? reinterpret_cast<void*>(*address) : nullptr;
}

void* allocate(Call& call, SIZE_T bytes, PHYSICAL_ADDRESS highest) {
  return allocate_kind(call, bytes, {.highest = number(highest)}, Kind::contiguous);
}
void* allocate_within(Call& call, SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest, PHYSICAL_ADDRESS boundary, ULONG) {
  const std::uint64_t step = number(boundary);
  if ((step & (step - 1)) != 0) return nullptr;
  return allocate_kind(call, bytes, {.lowest = number(lowest), .highest = number(highest), .boundary = step}, Kind::contiguous);
}
void* allocate_on_node(Call& call, SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest, PHYSICAL_ADDRESS boundary, ULONG cache, ULONG) {
  return allocate_within(call, bytes, lowest, highest, boundary, cache);
}
void* allocate_non_cached(Call& call, SIZE_T bytes) { return allocate_kind(call, bytes, {}, Kind::non_cached); }

void free_kind(Call& call, void* base, Kind kind, std::optional<std::uint64_t> bytes) {
  const auto fault = call.kernel().contiguous().free(reinterpret_cast<std::uint64_t>(base), kind, bytes);
  if (fault == ContiguousMemory::Fault::not_a_block || fault == ContiguousMemory::Fault::other_kind)
    call.broken("VER-95", "0xC2", fmt::format("{}: the address is not one of {}", call.name(),
                                              kind == Kind::contiguous ? "MmAllocateContiguousMemory or its kin" : "MmAllocateNonCachedMemory"));
  if (fault == ContiguousMemory::Fault::other_size)
    call.broken("VER-95", "0xC2", fmt::format("{}: NumberOfBytes is not what the memory was allocated with", call.name()));
}
void free_contiguous(Call& call, void* base) { free_kind(call, base, Kind::contiguous, std::nullopt); }
void free_within(Call& call, void* base, SIZE_T bytes, ULONG) { free_kind(call, base, Kind::contiguous, bytes); }
void free_non_cached(Call& call, void* base, SIZE_T bytes) { free_kind(call, base, Kind::non_cached, bytes); }

}  // namespace

std::vector<Row> contiguous_rows() {
  return {
      routine<"MmAllocateContiguousMemory", kDispatchLevel, &allocate>(kModule, "nf-wdm-mmallocatecontiguousmemory"),
      routine<"MmAllocateContiguousMemorySpecifyCache", kDispatchLevel, &allocate_within>(kModule, "nf-wdm-mmallocatecontiguousmemoryspecifycache"),
      routine<"MmAllocateContiguousMemorySpecifyCacheNode", kDispatchLevel, &allocate_on_node>(kModule, "nf-wdm-mmallocatecontiguousmemoryspecifycachenode"),
      routine<"MmFreeContiguousMemory", kDispatchLevel, &free_contiguous>(kModule, "nf-wdm-mmfreecontiguousmemory"),
      routine<"MmFreeContiguousMemorySpecifyCache", kDispatchLevel, &free_within>(kModule, "nf-wdm-mmfreecontiguousmemoryspecifycache"),
      routine<"MmAllocateNonCachedMemory", kApcLevel, &allocate_non_cached>(kModule, "nf-ntddk-mmallocatenoncachedmemory"),
      routine<"MmFreeNonCachedMemory", kApcLevel, &free_non_cached>(kModule, "nf-ntddk-mmfreenoncachedmemory"),
  };
}

}  // namespace drydock::ddi
