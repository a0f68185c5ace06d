// ntoskrnl.exe: Ex…: lists and sums under a spin lock, lock-free lists.

#include <utility>

#include "ddi/lists.h"
#include "ddi/modules.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

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

// DOC: VER-117 a spin lock of the driver's, held for one operation.
ULONG add_ulong(Call& call, ULONG* addend, ULONG increment, ULONG_PTR* lock) {
  ULONG* host = call.object(addend, "Addend");
  ULONG_PTR* word = call.object(lock, "Lock");
  if (host == nullptr || word == nullptr) return 0;
  const HeldWord held(call, *word);
  return std::exchange(*host, *host + increment);
}
LONGLONG add_large(Call& call, LARGE_INTEGER* addend, LONGLONG increment, ULONG_PTR* lock) {
  LARGE_INTEGER* host = call.object(addend, "Addend");
  ULONG_PTR* word = call.object(lock, "Lock");
  if (host == nullptr || word == nullptr) return 0;
  const HeldWord held(call, *word);
  return std::exchange(host->QuadPart, host->QuadPart + increment);
}

SINGLE_LIST_ENTRY* push_single(Call& call, SINGLE_LIST_ENTRY* head, SINGLE_LIST_ENTRY* entry, ULONG_PTR* lock) {
  ULONG_PTR* word = call.object(lock, "Lock");
  SINGLE_LIST_ENTRY* host = call.object(head, "ListHead");
  SINGLE_LIST_ENTRY* entry_host = call.object(entry, "ListEntry");
  if (word == nullptr || host == nullptr || entry_host == nullptr) return nullptr;
  const HeldWord held(call, *word);
  entry_host->Next = host->Next;
  return std::exchange(host->Next, entry);
}
SINGLE_LIST_ENTRY* pop_single(Call& call, SINGLE_LIST_ENTRY* head, ULONG_PTR* lock) {
  ULONG_PTR* word = call.object(lock, "Lock");
  SINGLE_LIST_ENTRY* host = call.object(head, "ListHead");
  if (word == nullptr || host == nullptr) return nullptr;
  const HeldWord held(call, *word);
  SINGLE_LIST_ENTRY* first = host->Next;
  const SINGLE_LIST_ENTRY* first_host = first == nullptr ? nullptr : call.object(first, "ListEntry");
  if (first_host != nullptr) host->Next = first_host->Next;
  return first;
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
  const SLIST_HEADER* host = call.object<const SLIST_HEADER>(head, "SListHead");
  return host == nullptr ? USHORT{0} : depth_of(*host);
}

}  // namespace

std::vector<Row> ex_rows() {
  return {
      routine<"ExInterlockedInsertHeadList", kAnyIrql, &insert_head>(kModule, "nf-wdm-exinterlockedinsertheadlist"),
      routine<"ExInterlockedInsertTailList", kAnyIrql, &insert_tail>(kModule, "nf-wdm-exinterlockedinserttaillist"),
      routine<"ExInterlockedRemoveHeadList", kAnyIrql, &remove_head>(kModule, "nf-wdm-exinterlockedremoveheadlist"),
      routine<"ExInterlockedAddUlong", kAnyIrql, &add_ulong>(kModule, "nf-wdm-exinterlockedaddulong"),
      routine<"ExInterlockedAddLargeInteger", kAnyIrql, &add_large>(kModule, "nf-wdm-exinterlockedaddlargeinteger"),
      routine<"ExInterlockedPushEntryList", kAnyIrql, &push_single>(kModule, "nf-wdm-exinterlockedpushentrylist"),
      routine<"ExInterlockedPopEntryList", kAnyIrql, &pop_single>(kModule, "nf-wdm-exinterlockedpopentrylist"),
      routine<"ExpInterlockedPushEntrySList", kAnyIrql, &push>(kModule, "nf-wdm-exinterlockedpushentryslist"),
      routine<"ExpInterlockedPopEntrySList", kAnyIrql, &pop>(kModule, "nf-wdm-exinterlockedpopentryslist"),
      routine<"ExpInterlockedFlushSList", kAnyIrql, &flush>(kModule, "nf-wdm-exinterlockedflushslist"),
      routine<"ExQueryDepthSList", kDispatchLevel, &query_depth>(kModule, "nf-wdm-exquerydepthslist"),
  };
}

}  // namespace drydock::ddi
