// ntoskrnl.exe: Ex…: lookaside lists. What drivers take and give goes through inline code of theirs, which reads the list's
// structure; here lists begin and end, and are remembered in between.

#include <algorithm>
#include <cstring>

#include "ddi/lists.h"
#include "ddi/modules.h"
#include "ddi/pool.h"
#include "ddi/raise.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr USHORT kDepth = 4, kDepthMax = 256;  // ASSUMED: how many a list keeps. tests/drivers/wdm/kernel_routines

const void* export_address(const char* name) { return find_row(kModule, name)->address; }

// --- what lists without routines of their own use ------------------------------------------------------------------------------

void* default_allocate(Call& call, ULONG type, SIZE_T bytes, ULONG tag, LOOKASIDE_LIST_EX*) {
  return pool_allocate(call, bytes, tag, (type & 1) != 0 ? PoolKind::paged : PoolKind::nonpaged);
}
void default_free(Call& call, void* entry, LOOKASIDE_LIST_EX*) { pool_free(call, entry); }
const void* const kDefaultAllocate = reinterpret_cast<const void*>(&detail::Entry<"ExAllocateFromLookasideListEx", kDispatchLevel, &default_allocate>::enter);
const void* const kDefaultFree = reinterpret_cast<const void*>(&detail::Entry<"ExFreeToLookasideListEx", kDispatchLevel, &default_free>::enter);

// --- beginning. DOC: VER-168 ------------------------------------------------------------------------------------------------------

struct NewList {
  const void* allocate;
  const void* free;
  POOL_TYPE type;
  SIZE_T size;
  ULONG tag;
};

template <class List>
void begin(Call& call, List& host, const void* address, const NewList& list) {
  auto& known = call.kernel().objects().lookasides;
  const CodePlace where = call.place();
  if (!known.emplace(&host, LookasideRecord{reinterpret_cast<std::uint64_t>(address), (list.type & 1) != 0, {where.rip, 0, 0, where.is_return_address}}).second)
    call.broken("VER-168", "0xC4/0xCA", fmt::format("{} was given a lookaside list that is initialised already", call.name()));
  if (list.size < sizeof(SLIST_ENTRY*))
    call.broken("VER-168", "0xC4/0xCD", fmt::format("{} was asked for blocks of {} bytes, which hold no list entry", call.name(), list.size));
  if (reinterpret_cast<std::uint64_t>(address) % MEMORY_ALLOCATION_ALIGNMENT != 0)  // DOC: ST-193
    call.broken("ST-193", "", fmt::format("{} was given a lookaside list that is not aligned to 16 bytes", call.name()));
  std::memset(static_cast<void*>(&host), 0, sizeof host);
  host.L.Depth = kDepth;
  host.L.MaximumDepth = kDepthMax;
  host.L.Type = list.type;
  host.L.Tag = list.tag;
  host.L.Size = static_cast<ULONG>(std::max<SIZE_T>(list.size, sizeof(SLIST_ENTRY)));
  host.L.Allocate = reinterpret_cast<PALLOCATE_FUNCTION>(reinterpret_cast<std::uintptr_t>(list.allocate));
  host.L.Free = reinterpret_cast<PFREE_FUNCTION>(reinterpret_cast<std::uintptr_t>(list.free));
}

template <class List>
void initialize(Call& call, List* address, POOL_TYPE type, const void* allocate, const void* free, ULONG flags, SIZE_T size, ULONG tag) {
  List* host = call.object(address, "Lookaside");
  if (host == nullptr) return;
  if (allocate == nullptr) allocate = export_address("ExAllocatePoolWithTag");
  if (free == nullptr) free = export_address("ExFreePool");
  const ULONG extra = flags & (POOL_NX_ALLOCATION | POOL_RAISE_IF_ALLOCATION_FAILURE);
  begin(call, *host, address, {allocate, free, static_cast<POOL_TYPE>(type | extra), size, tag});
}
void initialize_nonpaged(Call& call, NPAGED_LOOKASIDE_LIST* list, const void* allocate, const void* free, ULONG flags, SIZE_T size, ULONG tag, USHORT) {
  initialize(call, list, NonPagedPool, allocate, free, flags, size, tag);
}
void initialize_paged(Call& call, PAGED_LOOKASIDE_LIST* list, const void* allocate, const void* free, ULONG flags, SIZE_T size, ULONG tag, USHORT) {
  initialize(call, list, PagedPool, allocate, free, flags, size, tag);
}

NTSTATUS initialize_ex(Call& call, LOOKASIDE_LIST_EX* list, const void* allocate, const void* free, ULONG type, ULONG flags, SIZE_T size, ULONG tag, USHORT depth) {
  constexpr ULONG kBoth = EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL | EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE;
  LOOKASIDE_LIST_EX* host = call.object(list, "Lookaside");
  if (host == nullptr || depth != 0) return STATUS_INVALID_PARAMETER;
  if ((flags & ~kBoth) != 0 || (flags & kBoth) == kBoth) return STATUS_INVALID_PARAMETER;
  const ULONG raises = (flags & EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL) != 0 ? POOL_RAISE_IF_ALLOCATION_FAILURE : 0;
  begin(call, *host, list, {allocate != nullptr ? allocate : kDefaultAllocate, free != nullptr ? free : kDefaultFree, static_cast<POOL_TYPE>(type | raises), size, tag});
  return STATUS_SUCCESS;
}

// --- ending: the kept entries are given back -------------------------------------------------------------------------------------

/// An entry's routine is an export of ours or the driver's own: called as the driver would, on the driver's stack.
template <class List>
void give_back_entries(Call& call, List* address, List& host) {
  constexpr bool kEx = std::is_same_v<List, LOOKASIDE_LIST_EX>;
  const auto free = reinterpret_cast<std::uint64_t>(kEx ? reinterpret_cast<const void*>(host.L.FreeEx) : reinterpret_cast<const void*>(host.L.Free));
  const bool ours = free == reinterpret_cast<std::uint64_t>(kDefaultFree) || free == reinterpret_cast<std::uint64_t>(export_address("ExFreePool"));
  while (SLIST_ENTRY* entry = pop_entry(call, host.L.ListHead)) {
    if (ours) pool_free(call, entry);
    else if constexpr (kEx) call.services().call("FREE_FUNCTION_EX", EntryKind::routine, host.L.FreeEx, static_cast<void*>(entry), address);
    else call.services().call("FREE_FUNCTION", EntryKind::routine, host.L.Free, static_cast<void*>(entry));
  }
}

template <class List>
List* known_list(Call& call, List* address) {
  List* host = call.object(address, "Lookaside");
  if (host == nullptr || call.kernel().objects().lookasides.contains(host)) return host;
  call.broken("VER-168", "0xC4/0xCB", fmt::format("{} was given a lookaside list that was never initialised, or is deleted already", call.name()));
  return nullptr;
}

template <class List>
void end(Call& call, List* address) {
  List* host = known_list(call, address);
  if (host == nullptr) return;
  give_back_entries(call, address, *host);
  call.kernel().objects().lookasides.erase(host);
}
void delete_nonpaged(Call& call, NPAGED_LOOKASIDE_LIST* list) { end(call, list); }
void delete_paged(Call& call, PAGED_LOOKASIDE_LIST* list) { end(call, list); }
void delete_ex(Call& call, LOOKASIDE_LIST_EX* list) { end(call, list); }
void flush_ex(Call& call, LOOKASIDE_LIST_EX* list) {
  if (LOOKASIDE_LIST_EX* host = known_list(call, list)) give_back_entries(call, list, *host);
}

}  // namespace

std::vector<Row> ex_lookaside_rows() {
  return {
      routine<"ExInitializeNPagedLookasideList", kDispatchLevel, &initialize_nonpaged>(kModule, "nf-wdm-exinitializenpagedlookasidelist"),
      routine<"ExDeleteNPagedLookasideList", kDispatchLevel, &delete_nonpaged>(kModule, "nf-wdm-exdeletenpagedlookasidelist"),
      routine<"ExInitializePagedLookasideList", kApcLevel, &initialize_paged>(kModule, "nf-wdm-exinitializepagedlookasidelist"),
      routine<"ExDeletePagedLookasideList", kApcLevel, &delete_paged>(kModule, "nf-wdm-exdeletepagedlookasidelist"),
      routine<"ExInitializeLookasideListEx", kDispatchLevel, &initialize_ex>(kModule, "nf-wdm-exinitializelookasidelistex"),
      routine<"ExDeleteLookasideListEx", kDispatchLevel, &delete_ex>(kModule, "nf-wdm-exdeletelookasidelistex"),
      routine<"ExFlushLookasideListEx", kDispatchLevel, &flush_ex>(kModule, "nf-wdm-exflushlookasidelistex"),
  };
}

}  // namespace drydock::ddi
