#include "ddi/lists.h"

#include <cstring>

namespace drydock::ddi {

namespace {

// Joins two entries; a broken chain has been told by object().
void join(Call& call, ListLink* before, ListLink* after) {
  ListLink* first = call.object(before, "ListEntry");
  ListLink* second = call.object(after, "ListEntry");
  if (first == nullptr || second == nullptr) return;
  first->next = after;
  second->previous = before;
}

}  // namespace

ListLink* insert_in_list(Call& call, ListEnd end, ListLink* head, ListLink* entry, ULONG_PTR& lock) {
  HeldWord held(call, lock);
  const ListLink* host = call.object<const ListLink>(head, "ListHead");
  if (host == nullptr || call.object(entry, "ListEntry") == nullptr) return nullptr;
  ListLink* neighbour = end == ListEnd::head ? host->next : host->previous;
  join(call, end == ListEnd::head ? head : neighbour, entry);
  join(call, entry, end == ListEnd::head ? neighbour : head);
  return neighbour == head ? nullptr : neighbour;
}

ListLink* remove_from_head(Call& call, ListLink* head, ULONG_PTR& lock) {
  HeldWord held(call, lock);
  const ListLink* host = call.object<const ListLink>(head, "ListHead");
  if (host == nullptr || host->next == head) return nullptr;
  ListLink* first = host->next;
  const ListLink* taken = call.object<const ListLink>(first, "ListEntry");
  if (taken == nullptr) return nullptr;
  join(call, head, taken->next);
  return first;
}

// --- SLIST: depth in 16 bits, a sequence number in 48, the first entry's address without its low four bits -------------------

namespace {

SLIST_ENTRY* first_of(const SLIST_HEADER& head) { return reinterpret_cast<SLIST_ENTRY*>(head.Region & ~ULONGLONG{15}); }

void set_first(SLIST_HEADER& head, SLIST_ENTRY* first, int change) {
  const ULONGLONG sequence = (head.Alignment >> 16) + 1;
  head.Alignment = (sequence << 16) | static_cast<USHORT>(depth_of(head) + change);
  head.Region = (head.Region & 15) | reinterpret_cast<ULONGLONG>(first);
}

}  // namespace

SLIST_ENTRY* push_entry(Call& call, SLIST_HEADER& head, SLIST_ENTRY* entry) {
  SLIST_ENTRY* first = first_of(head);
  if (reinterpret_cast<std::uint64_t>(entry) % MEMORY_ALLOCATION_ALIGNMENT != 0)  // DOC: ST-193
    call.broken("ST-193", "", fmt::format("{} was given an entry that is not aligned to 16 bytes", call.name()));
  SLIST_ENTRY* host = call.object(entry, "ListEntry");
  if (host == nullptr) return first;
  std::memcpy(static_cast<void*>(host), &first, sizeof first);  // its Next, wherever the driver put it
  set_first(head, reinterpret_cast<SLIST_ENTRY*>(reinterpret_cast<std::uint64_t>(entry) & ~std::uint64_t{15}), 1);
  return first;
}

SLIST_ENTRY* pop_entry(Call& call, SLIST_HEADER& head) {
  SLIST_ENTRY* first = first_of(head);
  const SLIST_ENTRY* host = first == nullptr ? nullptr : call.object(first, "ListEntry");
  if (host == nullptr) return nullptr;
  set_first(head, host->Next, -1);
  return first;
}

SLIST_ENTRY* flush_entries(SLIST_HEADER& head) {
  SLIST_ENTRY* first = first_of(head);
  set_first(head, nullptr, -depth_of(head));
  return first;
}

}  // namespace drydock::ddi
