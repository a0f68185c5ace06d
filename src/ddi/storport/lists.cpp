// Lists and spin locks in the miniport's own memory. DOC: ST-193

#include "ddi/lists.h"

#include "ddi/storport/bodies.h"
#include "ddi/storport/support.h"

namespace drydock::ddi {

namespace {

ListLink* link(STOR_LIST_ENTRY* entry) { return reinterpret_cast<ListLink*>(entry); }

}  // namespace

ULONG initialize_spin_word(Call& call, void* ext, ULONG_PTR* lock) {
  ULONG_PTR* host = out(call, ext, lock, "Lock");
  if (host == nullptr) return kInvalidParameter;
  *host = 0;
  return kSuccess;
}

ULONG initialize_list_head(Call& call, void* ext, STOR_LIST_ENTRY* head) {
  STOR_LIST_ENTRY* host = out(call, ext, head, "ListHead");
  if (host == nullptr) return kInvalidParameter;
  host->Flink = host->Blink = head;
  return kSuccess;
}

ULONG insert_list(Call& call, void* ext, ListEnd end, STOR_LIST_ENTRY* head, STOR_LIST_ENTRY* entry, STOR_LIST_ENTRY** result, ULONG_PTR* lock) {
  STOR_LIST_ENTRY** host = out(call, ext, result, "Result");
  if (host == nullptr || head == nullptr || entry == nullptr || lock == nullptr) return kInvalidParameter;
  ULONG_PTR* word = call.object(lock, "Lock");
  if (word == nullptr) return kInvalidParameter;
  *host = reinterpret_cast<STOR_LIST_ENTRY*>(insert_in_list(call, end, link(head), link(entry), *word));
  return kSuccess;
}
ULONG insert_head_list(Call& call, void* ext, STOR_LIST_ENTRY* head, STOR_LIST_ENTRY* entry, STOR_LIST_ENTRY** result, ULONG_PTR* lock) {
  return insert_list(call, ext, ListEnd::head, head, entry, result, lock);
}
ULONG insert_tail_list(Call& call, void* ext, STOR_LIST_ENTRY* head, STOR_LIST_ENTRY* entry, STOR_LIST_ENTRY** result, ULONG_PTR* lock) {
  return insert_list(call, ext, ListEnd::tail, head, entry, result, lock);
}

ULONG remove_head_list(Call& call, void* ext, STOR_LIST_ENTRY* head, STOR_LIST_ENTRY** result, ULONG_PTR* lock) {
  STOR_LIST_ENTRY** host = out(call, ext, result, "Result");
  if (host == nullptr || head == nullptr || lock == nullptr) return kInvalidParameter;
  ULONG_PTR* word = call.object(lock, "Lock");
  if (word == nullptr) return kInvalidParameter;
  *host = reinterpret_cast<STOR_LIST_ENTRY*>(remove_from_head(call, link(head), *word));
  return kSuccess;
}

// --- SLIST --------------------------------------------------------------------------------------------------------------

ULONG initialize_slist_head(Call& call, void* ext, SLIST_HEADER* head) {
  SLIST_HEADER* host = out(call, ext, head, "SListHead");
  if (host == nullptr) return kInvalidParameter;
  *host = {};
  return kSuccess;
}

ULONG flush_slist(Call& call, void* ext, SLIST_HEADER* head, SLIST_ENTRY** result) {
  SLIST_HEADER* host = out(call, ext, head, "SListHead");
  SLIST_ENTRY** first = out(call, ext, result, "Result");
  if (host == nullptr || first == nullptr) return kInvalidParameter;
  *first = flush_entries(*host);
  return kSuccess;
}

ULONG pop_slist(Call& call, void* ext, SLIST_HEADER* head, SLIST_ENTRY** result) {
  SLIST_HEADER* host = out(call, ext, head, "SListHead");
  SLIST_ENTRY** first = out(call, ext, result, "Result");
  if (host == nullptr || first == nullptr) return kInvalidParameter;
  *first = pop_entry(call, *host);
  return kSuccess;
}

ULONG push_slist(Call& call, void* ext, SLIST_HEADER* head, SLIST_ENTRY* entry, SLIST_ENTRY** result) {
  SLIST_HEADER* host = out(call, ext, head, "SListHead");
  SLIST_ENTRY** before = out(call, ext, result, "Result");
  if (host == nullptr || before == nullptr || entry == nullptr) return kInvalidParameter;
  *before = push_entry(call, *host, entry);
  return kSuccess;
}

ULONG query_depth_slist(Call& call, void* ext, SLIST_HEADER* head, USHORT* depth) {
  const SLIST_HEADER* host = out(call, ext, head, "SListHead");
  USHORT* to = out(call, ext, depth, "Depth");
  if (host == nullptr || to == nullptr) return kInvalidParameter;
  *to = depth_of(*host);
  return kSuccess;
}

}  // namespace drydock::ddi
