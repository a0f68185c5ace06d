#include "mem/mdl_view.h"

#include <algorithm>

namespace drydock {

static_assert(sizeof(MDL) == 48);  // DOC: LAY-08

MdlView MdlView::format(void* storage, std::uint64_t address, std::uint32_t length) {
  auto* mdl = static_cast<MDL*>(storage);
  *mdl = {};
  mdl->Size = static_cast<CSHORT>(size_of(address, length));  // a signed short: says nothing about MDLs above 16 MiB
  mdl->StartVa = reinterpret_cast<PVOID>(address & ~kPageMask);
  mdl->ByteOffset = static_cast<ULONG>(address & kPageMask);
  mdl->ByteCount = length;
  return MdlView(mdl);
}

bool MdlView::fill(const PhysicalMemory& memory, const SystemMappings* mappings) {
  const std::uint64_t start = reinterpret_cast<std::uint64_t>(mdl_->StartVa);
  const std::uint32_t count = pages();
  if (const auto place = memory.find(start)) {
    if (count > (memory.size() - place->offset) >> kPageShift) return false;
    std::copy_n(memory.pfns(place->page()), count, own_pfns());
    return true;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto page = mappings != nullptr ? mappings->page_at(start + (std::uint64_t{i} << kPageShift)) : std::nullopt;
    if (!page) return false;
    own_pfns()[i] = memory.pfn(*page);
  }
  return true;
}

// The PFNs are what counts, for a driver may have changed them; where they are those of the addresses, nobody is searched.
template <class Act>
void MdlView::each_page(const PhysicalMemory& memory, Act act) const {
  const auto place = memory.find(mdl_->StartVa);
  const std::uint32_t count = pages(), first = place ? place->page() : 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t pfn = pfns()[i];
    if (place && memory.pfn(first + i) == pfn) [[likely]] act(first + i);
    else if (const auto page = memory.page_of_pfn(pfn)) act(*page);
  }
}

// The first page when the PFNs are still those of the addresses.
std::optional<std::uint32_t> MdlView::run_of_addresses(const PhysicalMemory& memory) const {
  const auto place = memory.find(mdl_->StartVa);
  const std::uint32_t count = pages();
  if (!place || count > (memory.size() - place->offset) >> kPageShift) return std::nullopt;
  return std::equal(pfns(), pfns() + count, memory.pfns(place->page())) ? std::optional(place->page()) : std::nullopt;
}

bool MdlView::lock(const PhysicalMemory& memory, LockedPages& locked, bool for_write, const SystemMappings* mappings) {
  CHECK(!has(MDL_PAGES_LOCKED), "an MDL is locked twice");
  if (!fill(memory, mappings)) return false;
  if (const auto place = memory.find(mdl_->StartVa)) locked.lock_run(place->page(), pages());
  else each_page(memory, [&](std::uint32_t page) { locked.lock(page); });
  set(MDL_PAGES_LOCKED | (for_write ? MDL_WRITE_OPERATION : 0));
  return true;
}

void MdlView::unlock(const PhysicalMemory& memory, LockedPages& locked, SystemMappings& mappings) {
  CHECK(has(MDL_PAGES_LOCKED), "an MDL is unlocked that was not locked");
  unmap(mappings);
  if (const auto first = run_of_addresses(memory)) locked.unlock_run(*first, pages());
  else each_page(memory, [&](std::uint32_t page) { locked.unlock(page); });
  clear(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}

bool MdlView::build_nonpaged(const PhysicalMemory& memory, const SystemMappings* mappings) {
  if (!fill(memory, mappings)) return false;
  mdl_->MappedSystemVa = reinterpret_cast<PVOID>(address());  // DOC: MDL-26
  set(MDL_SOURCE_IS_NONPAGED_POOL);
  return true;
}

bool MdlView::build_partial(MdlView source, std::uint64_t address, std::uint32_t length, std::size_t room) {
  const std::uint64_t skip = address - source.address();
  if (address < source.address() || skip >= source.length()) return false;
  if (length == 0) length = static_cast<std::uint32_t>(source.length() - skip);
  if (length > source.length() - skip) return false;
  if (room == 0) room = static_cast<std::uint16_t>(mdl_->Size);
  if (size_of(address, length) > room) return false;
  mdl_->StartVa = reinterpret_cast<PVOID>(address & ~kPageMask);
  mdl_->ByteOffset = static_cast<ULONG>(address & kPageMask);
  mdl_->ByteCount = length;
  mdl_->Process = source.raw()->Process;
  std::copy_n(source.pfns() + ((source.offset() + skip) >> kPageShift), pages(), own_pfns());
  clear(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARENT_MAPPED_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL_HAS_BEEN_MAPPED);
  set(MDL_PARTIAL);
  if (!source.mapped()) return true;
  mdl_->MappedSystemVa = static_cast<std::byte*>(source.raw()->MappedSystemVa) + skip;
  set(source.has(MDL_SOURCE_IS_NONPAGED_POOL) ? MDL_SOURCE_IS_NONPAGED_POOL
                                              : MDL_MAPPED_TO_SYSTEM_VA | MDL_PARENT_MAPPED_SYSTEM_VA);
  return true;
}

// An MDL over one of the views was filled from it, so its ends vouch for what lies between. Others are looked through.
std::optional<std::uint32_t> MdlView::consecutive_pages(const PhysicalMemory& memory) const {
  const std::uint32_t count = pages();
  if (count == 0) return std::nullopt;
  const auto first = memory.page_of_pfn(pfns()[0]);
  if (!first || count > (memory.size() >> kPageShift) - *first) return std::nullopt;
  const auto place = memory.find(mdl_->StartVa);
  if (place && place->page() == *first && pfns()[count - 1] == memory.pfn(*first + count - 1)) return first;
  for (std::uint32_t i = 1; i < count; ++i)
    if (pfns()[i] != memory.pfn(*first + i)) return std::nullopt;
  return first;
}

std::uint64_t MdlView::system_address(const PhysicalMemory& memory, SystemMappings& mappings) {
  if (mapped()) return reinterpret_cast<std::uint64_t>(mdl_->MappedSystemVa);
  std::uint64_t start = 0;
  if (const auto first = consecutive_pages(memory)) start = memory.address(View::system, *first);
  else if (const auto made = mappings.map(pfn_span())) start = *made;
  if (start == 0) return 0;
  mdl_->MappedSystemVa = reinterpret_cast<PVOID>(start + mdl_->ByteOffset);
  set(MDL_MAPPED_TO_SYSTEM_VA | (has(MDL_PARTIAL) ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0));
  return start + mdl_->ByteOffset;
}

void MdlView::unmap(SystemMappings& mappings) {
  if (!has(MDL_MAPPED_TO_SYSTEM_VA) || has(MDL_PARENT_MAPPED_SYSTEM_VA)) return;
  mappings.unmap(reinterpret_cast<std::uint64_t>(mdl_->MappedSystemVa) & ~kPageMask);  // an alias needs no unmapping
  clear(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
  mdl_->MappedSystemVa = nullptr;
}

}  // namespace drydock
