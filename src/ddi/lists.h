#pragma once
// The lists that drivers keep through routines: doubly linked ones (LIST_ENTRY and STOR_LIST_ENTRY have one layout) under
// a lock, and the lock-free singly linked SLIST. Links are the driver's addresses; every entry is looked up before use.

#include <optional>

#include "ddi/spin_word.h"

namespace drydock::ddi {

struct ListLink {
  ListLink* next;
  ListLink* previous;
};

enum class ListEnd : std::uint8_t { head, tail };

/// The entry that was at that end before; null when the list was empty.
ListLink* insert_in_list(Call& call, ListEnd end, ListLink* head, ListLink* entry, ULONG_PTR& lock);
/// Null when the list is empty.
ListLink* remove_from_head(Call& call, ListLink* head, ULONG_PTR& lock);

/// The entry that was first before; null when there was none.
SLIST_ENTRY* push_entry(Call& call, SLIST_HEADER& head, SLIST_ENTRY* entry);
SLIST_ENTRY* pop_entry(Call& call, SLIST_HEADER& head);
/// All entries, still linked.
SLIST_ENTRY* flush_entries(SLIST_HEADER& head);
inline USHORT depth_of(const SLIST_HEADER& head) { return static_cast<USHORT>(head.Alignment & 0xFFFF); }

}  // namespace drydock::ddi
