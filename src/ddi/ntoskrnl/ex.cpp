// ntoskrnl.exe: Ex…: pool and lists.

#include <cstring>

#include "ddi/lists.h"
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

// --- lists ----------------------------------------------------------------------------------------------------------------

ListLink* insert_at(Call& call, ListEnd end, ListLink* head, ListLink* entry, ULONG_PTR* lock) {
  ULONG_PTR* word = call.object(lock, "Lock");
  return word == nullptr ? nullptr : insert_in_list(call, end, head, entry, *word);
}
ListLink* insert_head(Call& call, ListLink* head, ListLink* entry, ULONG_PTR* lock) { return insert_at(call, ListEnd::head, head, entry, lock); }
ListLink* insert_tail(Call& call, ListLink* head, ListLink* entry, ULONG_PTR* lock) { return insert_at(call, ListEnd::tail, head, entry, lock); }
ListLink* remove_head(Call& call, ListLink* head, ULONG_PTR* lock) {
  ULONG_PTR* word = call.object(lock, "Lock");
  return word == nullptr ? nullptr : remove_from_head(call, head, *word);
}

SLIST_ENTRY* push(Call& call, SLIST_HEADER* head, SLIST_ENTRY* entry) {
  SLIST_HEADER* host = call.object(head, "ListHead");
  return host == nullptr ? nullptr : push_entry(call, *host, entry);
}
SLIST_ENTRY* pop(Call& call, SLIST_HEADER* head) {
  SLIST_HEADER* host = call.object(head, "ListHead");
  return host == nullptr ? nullptr : pop_entry(call, *host);
}
SLIST_ENTRY* flush(Call& call, SLIST_HEADER* head) {
  SLIST_HEADER* host = call.object(head, "ListHead");
  return host == nullptr ? nullptr : flush_entries(*host);
}
USHORT query_depth(Call& call, SLIST_HEADER* head) {
  const SLIST_HEADER* host = call.object(head, "SListHead");
  return host == nullptr ? USHORT{0} : depth_of(*host);
}

}  // namespace

std::vector<Row> ex_rows() {
  return {
      routine<"ExAllocatePoolWithTag", kDispatchLevel, &allocate>(kModule, "nf-wdm-exallocatepoolwithtag"),
      routine<"ExAllocatePool", kDispatchLevel, &allocate_untagged>(kModule, "nf-wdm-exallocatepool"),
      routine<"ExAllocatePool2", kDispatchLevel, &allocate2>(kModule, "nf-wdm-exallocatepool2", Coverage::partial, "pool flags other than POOL_FLAG_UNINITIALIZED make no difference"),
      routine<"ExFreePoolWithTag", kDispatchLevel, &release_tagged>(kModule, "nf-wdm-exfreepoolwithtag"),
      routine<"ExFreePool", kDispatchLevel, &release>(kModule, "nf-ntddk-exfreepool"),
      routine<"ExInterlockedInsertHeadList", kAnyIrql, &insert_head>(kModule, "nf-wdm-exinterlockedinsertheadlist"),
      routine<"ExInterlockedInsertTailList", kAnyIrql, &insert_tail>(kModule, "nf-wdm-exinterlockedinserttaillist"),
      routine<"ExInterlockedRemoveHeadList", kAnyIrql, &remove_head>(kModule, "nf-wdm-exinterlockedremoveheadlist"),
      routine<"ExpInterlockedPushEntrySList", kAnyIrql, &push>(kModule, "nf-wdm-exinterlockedpushentryslist"),
      routine<"ExpInterlockedPopEntrySList", kAnyIrql, &pop>(kModule, "nf-wdm-exinterlockedpopentryslist"),
      routine<"ExpInterlockedFlushSList", kAnyIrql, &flush>(kModule, "nf-wdm-exinterlockedflushslist"),
      routine<"ExQueryDepthSList", kDispatchLevel, &query_depth>(kModule, "nf-wdm-exquerydepthslist"),
  };
}

}  // namespace drydock::ddi
