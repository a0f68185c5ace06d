// ntoskrnl.exe: Ex…: pool.

#include <cstring>

#include "ddi/modules.h"
#include "ddi/pool.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

void* allocate(Call& call, ULONG, SIZE_T bytes, ULONG tag) {
  return bytes > Pool::kBytesMax ? nullptr : pool_allocate(call, bytes, tag);
}
void* allocate_untagged(Call& call, ULONG type, SIZE_T bytes) { return allocate(call, type, bytes, 0x656E6F4E); }
// ExAllocatePool2 zeroes unless told otherwise.
void* allocate2(Call& call, ULONGLONG flags, SIZE_T bytes, ULONG tag) {
  constexpr ULONGLONG kUninitialized = 2;  // POOL_FLAG_UNINITIALIZED
  void* memory = allocate(call, 0, bytes, tag);
  if (memory != nullptr && !(flags & kUninitialized)) std::memset(memory, 0, bytes);
  return memory;
}
void release(Call& call, void* memory) { pool_free(call, memory); }
void release_tagged(Call& call, void* memory, ULONG) { release(call, memory); }

}  // namespace

std::vector<Row> ex_rows() {
  return {
      routine<"ExAllocatePoolWithTag", kDispatchLevel, &allocate>(kModule, "nf-wdm-exallocatepoolwithtag"),
      routine<"ExAllocatePool", kDispatchLevel, &allocate_untagged>(kModule, "nf-wdm-exallocatepool"),
      routine<"ExAllocatePool2", kDispatchLevel, &allocate2>(kModule, "nf-wdm-exallocatepool2", Coverage::partial, "pool flags other than POOL_FLAG_UNINITIALIZED make no difference"),
      routine<"ExFreePoolWithTag", kDispatchLevel, &release_tagged>(kModule, "nf-wdm-exfreepoolwithtag"),
      routine<"ExFreePool", kDispatchLevel, &release>(kModule, "nf-ntddk-exfreepool"),
  };
}

}  // namespace drydock::ddi
