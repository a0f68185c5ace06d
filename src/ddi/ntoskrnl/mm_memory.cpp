// ntoskrnl.exe: Mm…: contiguous and noncached memory, sections of the driver's image, and what the system is.

#include "ddi/modules.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

// --- contiguous memory -----------------------------------------------------------------------------------------------------------------

/// PHYSICAL_ADDRESS of eight bytes travels in a register. A boundary of 0 is none.
void* allocate(Call& call, SIZE_T bytes, std::uint64_t lowest, std::uint64_t highest, std::uint64_t boundary) {
  const CodePlace where = call.place();
  ContiguousLimits limits;
  limits.lowest = lowest;
  limits.highest = highest;
  limits.boundary = boundary;
  auto memory = bytes == 0 || bytes > Pool::kBytesMax
                    ? std::nullopt
                    : storport::DriverMemory::take(call.services(), "contiguous memory", bytes, limits, true, {where.rip, 0, 0, where.is_return_address});
  if (!memory) return nullptr;
  void* address = memory->address();
  call.kernel().contiguous().emplace(reinterpret_cast<std::uint64_t>(address), std::move(*memory));
  return address;
}
void* allocate_below(Call& call, SIZE_T bytes, LONGLONG highest) { return allocate(call, bytes, 0, static_cast<std::uint64_t>(highest), 0); }
void* allocate_between(Call& call, SIZE_T bytes, LONGLONG lowest, LONGLONG highest, LONGLONG boundary, MEMORY_CACHING_TYPE) {
  return allocate(call, bytes, static_cast<std::uint64_t>(lowest), static_cast<std::uint64_t>(highest), static_cast<std::uint64_t>(boundary));
}
void* allocate_on_node(Call& call, SIZE_T bytes, LONGLONG lowest, LONGLONG highest, LONGLONG boundary, MEMORY_CACHING_TYPE cache, ULONG) {
  return allocate_between(call, bytes, lowest, highest, boundary, cache);
}
void* allocate_node_memory(Call& call, SIZE_T bytes, LONGLONG lowest, LONGLONG highest, LONGLONG boundary, ULONG, ULONG) {
  return allocate_between(call, bytes, lowest, highest, boundary, MmCached);
}
void* allocate_noncached(Call& call, SIZE_T bytes) { return allocate(call, bytes, 0, ~std::uint64_t{0}, 0); }

/// `bytes` 0: the caller need not know.
void release(Call& call, void* address, SIZE_T bytes) {
  auto& known = call.kernel().contiguous();
  const auto at = known.find(reinterpret_cast<std::uint64_t>(address));
  if (at == known.end()) return call.broken("VER-95", "0xC2", fmt::format("{} was given an address that is no contiguous memory of this kind", call.name()));
  if (bytes != 0 && bytes != at->second.bytes())
    call.broken("VER-95", "", fmt::format("{}: {} bytes were allocated, and {} are freed", call.name(), at->second.bytes(), bytes));
  at->second.check(call.place());
  at->second.end_at(call.place());
  known.erase(at);
}
void free_contiguous(Call& call, void* address) { release(call, address, 0); }
void free_sized(Call& call, void* address, SIZE_T bytes, MEMORY_CACHING_TYPE) { release(call, address, bytes); }
void free_noncached(Call& call, void* address, SIZE_T bytes) { release(call, address, bytes); }

// --- the driver's image: all of it is always resident -----------------------------------------------------------------------------------

void* lock_section(Call& call, void* address) { return call.range(address, 1, false, "AddressWithinSection") == nullptr ? nullptr : address; }
void unlock_section(Call&, void*) {}
ULONG system_size(Call&) {
  constexpr ULONG kLargeSystem = 2;
  return kLargeSystem;
}
BOOLEAN is_server(Call&) { return FALSE; }

}  // namespace

std::vector<Row> mm_memory_rows() {
  const char* cache = "memory is cached whatever is asked for";
  return {
      routine<"MmAllocateContiguousMemory", kDispatchLevel, &allocate_below>(kModule, "nf-wdm-mmallocatecontiguousmemory"),
      routine<"MmAllocateContiguousMemorySpecifyCache", kDispatchLevel, &allocate_between>(kModule, "nf-wdm-mmallocatecontiguousmemoryspecifycache", Coverage::partial, cache),
      routine<"MmAllocateContiguousMemorySpecifyCacheNode", kDispatchLevel, &allocate_on_node>(kModule, "nf-wdm-mmallocatecontiguousmemoryspecifycachenode", Coverage::partial, cache),
      routine<"MmAllocateContiguousNodeMemory", kDispatchLevel, &allocate_node_memory>(kModule, "nf-wdm-mmallocatecontiguousnodememory", Coverage::partial, cache),
      routine<"MmFreeContiguousMemory", kDispatchLevel, &free_contiguous>(kModule, "nf-wdm-mmfreecontiguousmemory"),
      routine<"MmFreeContiguousMemorySpecifyCache", kDispatchLevel, &free_sized>(kModule, "nf-wdm-mmfreecontiguousmemoryspecifycache"),
      routine<"MmAllocateNonCachedMemory", kApcLevel, &allocate_noncached>(kModule, "nf-ntddk-mmallocatenoncachedmemory", Coverage::partial, cache),
      routine<"MmFreeNonCachedMemory", kApcLevel, &free_noncached>(kModule, "nf-ntddk-mmfreenoncachedmemory"),
      routine<"MmLockPagableDataSection", kApcLevel, &lock_section>(kModule, "nf-wdm-mmlockpagabledatasection", Coverage::full, "images are resident"),
      routine<"MmUnlockPagableImageSection", kApcLevel, &unlock_section>(kModule, "nf-wdm-mmunlockpagableimagesection", Coverage::full, "images are resident"),
      routine<"MmPageEntireDriver", kApcLevel, &lock_section>(kModule, "nf-wdm-mmpageentiredriver", Coverage::partial, "images are resident: nothing is paged"),
      routine<"MmResetDriverPaging", kApcLevel, &unlock_section>(kModule, "nf-wdm-mmresetdriverpaging", Coverage::full, "images are resident"),
      routine<"MmQuerySystemSize", kAnyIrql, &system_size>(kModule, "nf-wdm-mmquerysystemsize"),
      routine<"MmIsThisAnNtAsSystem", kAnyIrql, &is_server>(kModule, "nf-ntddk-mmisthisanntassystem"),
  };
}

}  // namespace drydock::ddi
