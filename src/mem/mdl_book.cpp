#include "mem/mdl_book.h"

#include <algorithm>
#include <cstring>

namespace drydock {

namespace {

constexpr int kState = MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL |
                       MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_PARENT_MAPPED_SYSTEM_VA;

// Memory of the process that is none of the machine's (images, stacks) has no page number; its own address stands for it,
// which no page of the machine is named.
std::uint64_t name_of_host_page(std::uint64_t address) { return address >> kPageShift; }

MdlFault state_forbids_unlock(const MDL* mdl) {
  if (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL && !(mdl->MdlFlags & MDL_PARTIAL)) return MdlFault::built_for_nonpaged;
  return mdl->MdlFlags & MDL_PARTIAL ? MdlFault::is_partial : MdlFault::not_locked;
}

}  // namespace

MdlBook::~MdlBook() {
  for (auto& [mdl, facts] : facts_) let_go(facts);
  for (MdlFacts& facts : orphans_) let_go(facts);
}

// --- life -----------------------------------------------------------------------------------------------------------------------

std::vector<std::uint64_t> MdlBook::stack(const CodePlace& place) const {
  if (place.rip == 0) return {};
  return stacks_ == nullptr ? std::vector{place.rip} : stacks_->stack_at(place);
}

void MdlBook::allocated(MDL* mdl, std::size_t room) {
  forget(mdl);
  MdlFacts& facts = facts_[mdl];
  facts.mdl = mdl;
  facts.allocated = true;
  facts.room = room;
  seal(mdl);
}

MdlFacts* MdlBook::find(const MDL* mdl) {
  const auto found = facts_.find(mdl);
  return found == facts_.end() ? nullptr : &found->second;
}

// An MDL in memory of the driver's own may have been made anew there (MmInitializeMdl): then what was known is of another.
MdlFacts& MdlBook::of(MDL* mdl) {
  MdlFacts& facts = facts_[mdl];
  if (facts.mdl != nullptr && !facts.allocated && !facts.locked && (mdl->MdlFlags & kState) == 0) facts = {};
  if ((mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0) facts.mapping = 0;
  facts.mdl = mdl;
  return facts;
}

void MdlBook::forget(MDL* mdl) {
  const auto found = facts_.find(mdl);
  if (found == facts_.end()) return;
  end_mapping(&found->second, mdl);
  let_go(found->second);
  facts_.erase(found);
}

void MdlBook::memory_freed(const void* begin, std::uint64_t bytes) {
  const auto* end = reinterpret_cast<const MDL*>(static_cast<const std::byte*>(begin) + bytes);
  auto at = facts_.lower_bound(static_cast<const MDL*>(begin));
  while (at != facts_.end() && at->first < end) {
    if (at->second.locked) orphans_.push_back(std::move(at->second));
    at = facts_.erase(at);
  }
}

void MdlBook::seal(MDL* mdl) {
  MdlFacts& facts = of(mdl);
  facts.left = *mdl;
  facts.sealed = true;
}

const char* MdlBook::mangled(const MDL* mdl) const {
  const auto found = facts_.find(mdl);
  if (found == facts_.end() || !found->second.sealed) return nullptr;
  const MDL& left = found->second.left;
  const bool fresh = !found->second.allocated && !found->second.locked && (mdl->MdlFlags & kState) == 0;  // made anew
  if (fresh) return nullptr;
  if ((mdl->MdlFlags & kState) != (left.MdlFlags & kState)) return "MdlFlags";
  if (mdl->Size != left.Size) return "Size";
  if (mdl->Process != left.Process) return "Process";
  if (mdl->StartVa != left.StartVa) return "StartVa";
  if (mdl->ByteOffset != left.ByteOffset) return "ByteOffset";
  if (mdl->ByteCount != left.ByteCount) return "ByteCount";
  if ((left.MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) && mdl->MappedSystemVa != left.MappedSystemVa) return "MappedSystemVa";
  return nullptr;
}

// --- locking ---------------------------------------------------------------------------------------------------------------------

void MdlBook::let_go(MdlFacts& facts) {
  if (!facts.locked) return;
  for (const std::uint32_t page : facts.pages) {
    locked_.unlock(page);
    if (facts.owner == LockOwner::page_allocation) spaces_.free_when_unlocked(page);
  }
  facts.pages.clear();
  facts.locked = false;
}

void MdlBook::hold(MdlFacts& facts, std::vector<std::uint32_t> pages, const LockRequest& request) {
  for (const std::uint32_t page : pages) locked_.lock(page);
  facts.pages = std::move(pages);
  facts.locked = true;
  facts.for_write = request.for_write;
  facts.owner = request.owner;
  facts.irp = request.irp;
  facts.locked_at = stack(request.place);
  facts.unlocked_at.clear();
  set(facts.mdl, MDL_PAGES_LOCKED | (request.for_write ? MDL_WRITE_OPERATION : 0));
  seal(facts.mdl);
}

/// Pages of system memory: the machine's, or mapped in the arena.
MdlOutcome MdlBook::system_pages(std::uint64_t address, std::uint64_t bytes, std::vector<std::uint32_t>& pages) const {
  const std::uint64_t count = pages_spanned(address, bytes);
  if (const auto place = memory_.find(address)) {
    if (count > (memory_.size() >> kPageShift) - place->page()) return {MdlFault::not_memory, address};
    for (std::uint64_t i = 0; i < count; ++i) pages.push_back(place->page() + static_cast<std::uint32_t>(i));
    return {};
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = (address & ~kPageMask) + (i << kPageShift);
    const auto page = mappings_.page_at(at);
    if (!page) return {MdlFault::not_memory, i == 0 ? address : at};
    pages.push_back(*page);
  }
  return {};
}

MdlOutcome MdlBook::pages_of(std::uint64_t address, std::uint64_t bytes, const LockRequest& request, std::vector<std::uint32_t>& pages) const {
  const bool user = spaces_.is_user(address), wraps = address + bytes < address;
  if (wraps || (request.of_user && !user)) return {MdlFault::not_accessible, address};
  if (!user || !spaces_.in_use()) return system_pages(address, bytes, pages);
  const auto judged = spaces_.judge({address, bytes, request.for_write, request.current, kPassiveLevel});
  if (judged.verdict == TouchVerdict::other_process) return {MdlFault::other_process, judged.address};
  if (judged.verdict != TouchVerdict::ok) return {MdlFault::not_accessible, judged.address};
  for (std::uint64_t i = 0; i < pages_spanned(address, bytes); ++i) pages.push_back(*spaces_.page_at((address & ~kPageMask) + (i << kPageShift)));
  return {};
}

// DOC: MDL-17 MDL-19
MdlFault MdlBook::state_forbids_lock(MDL* mdl) {
  const MdlFacts* facts = find(mdl);
  if ((facts != nullptr && facts->locked) || mdl->MdlFlags & MDL_PAGES_LOCKED) return MdlFault::locked_already;
  if (mdl->MdlFlags & MDL_PARTIAL) return MdlFault::is_partial;
  return mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL ? MdlFault::built_for_nonpaged : MdlFault::none;
}

// DOC: MDL-13 MDL-15 MDL-18 MDL-20
MdlOutcome MdlBook::lock(MDL* mdl, const LockRequest& request) {
  if (const MdlFault fault = state_forbids_lock(mdl); fault != MdlFault::none) return {fault, 0};
  const MdlView view(mdl);
  std::vector<std::uint32_t> pages;
  if (request.host_memory) {
    for (std::uint32_t i = 0; i < view.pages(); ++i) pfns(mdl)[i] = name_of_host_page(view.address()) + i;
  } else {
    pages.reserve(view.pages());
    if (const auto outcome = pages_of(view.address(), view.length(), request, pages); !outcome) return outcome;
    for (std::size_t i = 0; i < pages.size(); ++i) pfns(mdl)[i] = memory_.pfn(pages[i]);
  }
  MdlFacts& facts = of(mdl);
  const AddressSpace* owner = spaces_.owner_at(view.address());
  facts.process = owner == nullptr ? 0 : owner->id;
  hold(facts, std::move(pages), request);
  return {};
}

// DOC: MDL-51
MdlOutcome MdlBook::lock_selected(MDL* mdl, std::span<const std::uint64_t> addresses, const LockRequest& request) {
  if (const MdlFault fault = state_forbids_lock(mdl); fault != MdlFault::none) return {fault, 0};
  std::vector<std::uint32_t> pages;
  for (const std::uint64_t address : addresses)
    if (const auto outcome = pages_of(address & ~kPageMask, kPageSize, request, pages); !outcome) return outcome;
  for (std::size_t i = 0; i < pages.size(); ++i) pfns(mdl)[i] = memory_.pfn(pages[i]);
  MdlFacts& facts = of(mdl);
  const AddressSpace* owner = addresses.empty() ? nullptr : spaces_.owner_at(addresses.front());
  facts.process = owner == nullptr ? 0 : owner->id;
  hold(facts, std::move(pages), request);
  return {};
}

// DOC: MDL-21 MDL-22
MdlOutcome MdlBook::unlock(MDL* mdl, LockOwner by, const CodePlace& place) {
  MdlFacts* facts = find(mdl);
  if (facts == nullptr || !facts->locked) return {state_forbids_unlock(mdl), 0};
  if (facts->owner == LockOwner::io_manager && by != LockOwner::io_manager) return {MdlFault::not_the_drivers, 0};
  end_mapping(facts, mdl);
  let_go(*facts);
  facts->unlocked_at = stack(place);
  clear(mdl, MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
  seal(mdl);
  return {};
}

// --- building --------------------------------------------------------------------------------------------------------------------

// DOC: MDL-23 MDL-26
MdlOutcome MdlBook::build_nonpaged(MDL* mdl, bool host_memory) {
  if (mdl->MdlFlags & MDL_PAGES_LOCKED) return {MdlFault::locked_already, 0};
  const MdlView view(mdl);
  if (!host_memory && !MdlView(mdl).build_nonpaged(memory_, &mappings_)) return {MdlFault::not_memory, view.address()};
  if (host_memory) {
    for (std::uint32_t i = 0; i < view.pages(); ++i) pfns(mdl)[i] = name_of_host_page(view.address()) + i;
    mdl->MappedSystemVa = reinterpret_cast<PVOID>(view.address());
    set(mdl, MDL_SOURCE_IS_NONPAGED_POOL);
  }
  clear(mdl, MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_PARENT_MAPPED_SYSTEM_VA);
  seal(mdl);
  return {};
}

// DOC: MDL-38 MDL-39 MDL-40 MDL-41
MdlOutcome MdlBook::build_partial(MDL* source, MDL* target, std::uint64_t address, std::uint32_t length) {
  const MdlView from(source);
  if (!from.resident()) return {MdlFault::not_resident, 0};
  if (target->MdlFlags & MDL_PAGES_LOCKED) return {MdlFault::locked_already, 0};
  if (target->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) return {MdlFault::own_mapping_left, 0};
  const std::uint64_t skip = address - from.address();
  if (address < from.address() || skip >= from.length() || length > from.length() - skip) return {MdlFault::outside_source, address};
  MdlFacts* facts = find(target);
  const std::size_t room = facts != nullptr && facts->allocated ? facts->room : 0;
  if (!MdlView(target).build_partial(from, address, length, room)) return {MdlFault::too_big_for_target, 0};
  seal(target);
  return {};
}

// --- mapping ---------------------------------------------------------------------------------------------------------------------

// DOC: MDL-27 MDL-35
MdlOutcome MdlBook::map(MDL* mdl, const MapRequest& request, std::uint64_t* address) {
  const MdlView view(mdl);
  if (view.mapped()) return {MdlFault::mapped_already, 0};
  if (!view.resident()) return {MdlFault::not_resident, 0};
  std::uint64_t start = 0;
  const MdlFacts* before = find(mdl);
  const bool reads_only = closely_ && view.has(MDL_PAGES_LOCKED) && !view.has(MDL_WRITE_OPERATION) &&
                          !(before != nullptr && before->owner == LockOwner::page_allocation);
  const bool real = closely_ || apart_ || request.real || !request.writable;
  if (view.pages() != 0 && view.pfns()[0] == name_of_host_page(view.address()))
    start = view.address() & ~kPageMask;  // an image, or a stack: where it is
  else if (const auto first = real ? std::nullopt : view.consecutive_pages(memory_))
    start = memory_.address(View::system, *first);
  else if (const auto made = mappings_.map(view.pfn_span(), {request.writable && !reads_only ? PageAccess::read_write : PageAccess::read, closely_}))
    start = *made;
  if (start == 0) return {MdlFault::no_room, 0};
  mdl->MappedSystemVa = reinterpret_cast<PVOID>(start + mdl->ByteOffset);
  set(mdl, MDL_MAPPED_TO_SYSTEM_VA | (view.has(MDL_PARTIAL) ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0));
  *address = start + mdl->ByteOffset;
  MdlFacts* known = find(mdl);
  if (known == nullptr && !mappings_.in_arena(start)) return {};  // an address, and nothing to give back
  MdlFacts& facts = known != nullptr ? *known : of(mdl);
  facts.mapping = mappings_.in_arena(start) ? start : 0;
  facts.mapping_is_reserved = false;
  facts.mapped_for_reading_only = reads_only && request.writable;
  if (closely_) facts.mapped_at = stack(request.place);
  else facts.mapped_at.assign(request.place.rip != 0, request.place.rip);
  if (facts.sealed) seal(mdl);  // an MDL of others, a disk request's, is made anew behind our back
  return {};
}

void MdlBook::end_mapping(MdlFacts* facts, MDL* mdl) {
  if (facts != nullptr && facts->mapping != 0) {
    if (facts->mapping_is_reserved) mappings_.unmap_reserved(facts->mapping);
    else mappings_.unmap(facts->mapping);
    facts->mapping = 0;
  }
  if (mdl->MdlFlags & MDL_PARENT_MAPPED_SYSTEM_VA) return;
  clear(mdl, MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

MdlOutcome MdlBook::unmap(MDL* mdl) {
  if (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) return {MdlFault::built_for_nonpaged, 0};
  if (mdl->MdlFlags & MDL_PARTIAL && !(mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)) return {MdlFault::is_partial, 0};
  if (!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)) return {MdlFault::not_mapped, 0};
  MdlFacts* facts = find(mdl);
  end_mapping(facts, mdl);
  if (facts != nullptr && facts->sealed) seal(mdl);
  return {};
}

// DOC: MDL-46 the returned address has the byte offset, the MDL's own field has not.
MdlOutcome MdlBook::map_reserved(MDL* mdl, std::uint64_t reserved, const CodePlace& place) {
  const MdlView view(mdl);
  if (view.mapped()) return {MdlFault::mapped_already, 0};
  if (!view.resident()) return {MdlFault::not_resident, 0};
  if (!mappings_.map_reserved(reserved, view.pfn_span())) return {MdlFault::no_room, 0};
  mdl->MappedSystemVa = reinterpret_cast<PVOID>(reserved);
  set(mdl, MDL_MAPPED_TO_SYSTEM_VA | (view.has(MDL_PARTIAL) ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0));
  MdlFacts& facts = of(mdl);
  facts.mapping = reserved;
  facts.mapping_is_reserved = true;
  facts.mapped_at = stack(place);
  if (facts.sealed) seal(mdl);
  return {};
}

MdlOutcome MdlBook::advance(MDL* mdl, std::uint32_t bytes) {
  if (bytes > mdl->ByteCount) return {MdlFault::outside_source, 0};
  const MdlView view(mdl);
  const std::uint32_t before = view.pages(), passed = (mdl->ByteOffset + bytes) >> kPageShift;
  const bool names_pages = view.resident();
  MdlFacts* facts = find(mdl);
  if (facts != nullptr && facts->locked && facts->owner != LockOwner::page_allocation) {
    const std::size_t gone = std::min<std::size_t>(passed, facts->pages.size());
    for (std::size_t i = 0; i < gone; ++i) locked_.unlock(facts->pages[i]);
    facts->pages.erase(facts->pages.begin(), facts->pages.begin() + static_cast<std::ptrdiff_t>(gone));
  }
  mdl->StartVa = static_cast<std::byte*>(mdl->StartVa) + (std::uint64_t{passed} << kPageShift);
  mdl->ByteOffset = static_cast<ULONG>((mdl->ByteOffset + bytes) & kPageMask);
  mdl->ByteCount -= bytes;
  if (names_pages && passed != 0 && passed < before) std::copy(pfns(mdl) + passed, pfns(mdl) + before, pfns(mdl));
  if (view.mapped()) mdl->MappedSystemVa = static_cast<std::byte*>(mdl->MappedSystemVa) + bytes;
  if (facts != nullptr && facts->sealed) seal(mdl);
  return {};
}

// --- pages of their own -----------------------------------------------------------------------------------------------------------

void MdlBook::adopt_pages(MDL* mdl, std::vector<std::uint32_t> pages, const CodePlace& place) {
  for (std::size_t i = 0; i < pages.size(); ++i) pfns(mdl)[i] = memory_.pfn(pages[i]);
  MdlFacts& facts = of(mdl);
  facts.made = stack(place);
  hold(facts, std::move(pages), {.for_write = false, .owner = LockOwner::page_allocation, .place = place});
}

MdlOutcome MdlBook::free_pages(MDL* mdl) {
  MdlFacts* facts = find(mdl);
  if (facts == nullptr || !facts->locked || facts->owner != LockOwner::page_allocation) return {MdlFault::not_allocated_pages, 0};
  end_mapping(facts, mdl);
  let_go(*facts);
  clear(mdl, MDL_PAGES_LOCKED);
  facts_.erase(mdl);
  return {};
}

// --- questions -----------------------------------------------------------------------------------------------------------------------

std::vector<MdlFacts*> MdlBook::held(std::optional<std::uint16_t> process) {
  std::vector<MdlFacts*> all;
  for (auto& [mdl, facts] : facts_)
    if (facts.locked && (!process || facts.process == *process)) all.push_back(&facts);
  for (MdlFacts& facts : orphans_)
    if (!process || facts.process == *process) all.push_back(&facts);
  return all;
}

const MdlFacts* MdlBook::mapped_at(std::uint64_t address) const {
  const auto place = mappings_.look(address);
  if (!place) return nullptr;
  for (const auto& [mdl, facts] : facts_)
    if (facts.mapping == place->mapping) return &facts;
  return nullptr;
}

}  // namespace drydock
