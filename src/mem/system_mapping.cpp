#include "mem/system_mapping.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace drydock {

namespace {

constexpr std::uint64_t kArenaPages = kArenaSize >> kPageShift;

int protection_of(PageAccess access) {
  if (access == PageAccess::none) return PROT_NONE;
  return access == PageAccess::read ? PROT_READ : PROT_READ | PROT_WRITE;
}

}  // namespace

SystemMappings::~SystemMappings() {
  for (const auto& [first, mapping] : mappings_) close(address_of(first), mapping.span);
}

// Next fit: on from the last mapping, once round, past whatever still lives there.
std::optional<std::uint64_t> SystemMappings::find_room(std::uint64_t pages) {
  for (int pass = 0; pass < 2; ++pass, next_ = 0) {
    std::uint64_t at = next_;
    auto live = mappings_.lower_bound(at);
    if (live != mappings_.begin()) {
      const auto before = std::prev(live);
      at = std::max(at, before->first + before->second.span);
    }
    for (; live != mappings_.end() && live->first - at < pages; ++live) at = live->first + live->second.span;
    if (at + pages <= kArenaPages) {
      next_ = at + pages;
      return at;
    }
  }
  return std::nullopt;
}

std::optional<std::vector<std::uint32_t>> SystemMappings::pages_of(std::span<const std::uint64_t> pfns) const {
  std::vector<std::uint32_t> pages;
  pages.reserve(pfns.size());
  for (const std::uint64_t pfn : pfns) {
    const auto page = memory_.page_of_pfn(pfn);
    if (!page) return std::nullopt;
    pages.push_back(*page);
  }
  return pages;
}

std::optional<std::uint64_t> SystemMappings::map(std::span<const std::uint64_t> pfns, MappingKind kind) {
  auto pages = pages_of(pfns);
  if (!pages || pages->empty() || mappings_.size() >= kLiveMax) return std::nullopt;
  Mapping mapping{std::move(*pages), pfns.size() + (kind.guarded ? 1 : 0), kind.access, false, 0};
  const auto first = find_room(mapping.span);
  if (!first) return std::nullopt;
  if (!map_pages(address_of(*first), mapping)) {
    close(address_of(*first), mapping.span);
    return std::nullopt;
  }
  mappings_.emplace(*first, std::move(mapping));
  return address_of(*first);
}

// One system call for each run of consecutive file pages.
bool SystemMappings::map_pages(std::uint64_t address, const Mapping& mapping) const {
  const auto& pages = mapping.pages;
  for (std::size_t at = 0; at < pages.size();) {
    std::size_t end = at + 1;
    while (end < pages.size() && pages[end] == pages[end - 1] + 1) ++end;
    void* where = reinterpret_cast<void*>(address + (at << kPageShift));
    const auto offset = static_cast<off_t>(std::uint64_t{pages[at]} << kPageShift);
    if (mmap(where, (end - at) << kPageShift, protection_of(mapping.access), MAP_SHARED | MAP_FIXED, memory_.file(), offset) != where)
      return false;
    at = end;
  }
  return true;
}

void SystemMappings::close(std::uint64_t address, std::uint64_t pages) const {
  void* where = reinterpret_cast<void*>(address);
  void* got = mmap(where, pages << kPageShift, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  CHECK(got == where, "cannot unmap system addresses: {}", std::strerror(errno));
}

const SystemMappings::Mapping* SystemMappings::find(std::uint64_t address) const {
  if (!in_arena(address) || address % kPageSize != 0) return nullptr;
  const auto found = mappings_.find((address - base()) >> kPageShift);
  return found == mappings_.end() ? nullptr : &found->second;
}

bool SystemMappings::unmap(std::uint64_t address) {
  const Mapping* mapping = find(address);
  if (mapping == nullptr || mapping->reserved) return false;
  close(address, mapping->span);
  const auto at = mappings_.find((address - base()) >> kPageShift);
  dead_.emplace_front(at->first, std::move(at->second));
  if (dead_.size() > kDeadMax) dead_.pop_back();
  mappings_.erase(at);
  return true;
}

bool SystemMappings::protect(std::uint64_t address, PageAccess access) {
  const Mapping* mapping = find(address);
  if (mapping == nullptr || mapping->pages.empty()) return false;
  const int rc = mprotect(reinterpret_cast<void*>(address), mapping->pages.size() << kPageShift, protection_of(access));
  CHECK(rc == 0, "cannot protect system addresses: {}", std::strerror(errno));
  mappings_.find((address - base()) >> kPageShift)->second.access = access;
  return true;
}

// --- reservations -------------------------------------------------------------------------------------------------------------

std::optional<std::uint64_t> SystemMappings::reserve(std::uint64_t pages, std::uint32_t tag) {
  if (pages == 0 || pages > kArenaPages || mappings_.size() >= kLiveMax) return std::nullopt;
  const auto first = find_room(pages);
  if (!first) return std::nullopt;
  mappings_.emplace(*first, Mapping{{}, pages, PageAccess::read_write, true, tag});
  return address_of(*first);
}

std::optional<SystemMappings::Reservation> SystemMappings::reservation(std::uint64_t address) const {
  const Mapping* mapping = find(address);
  if (mapping == nullptr || !mapping->reserved) return std::nullopt;
  return Reservation{mapping->span, mapping->tag, !mapping->pages.empty()};
}

bool SystemMappings::map_reserved(std::uint64_t address, std::span<const std::uint64_t> pfns) {
  Mapping& mapping = mappings_.find((address - base()) >> kPageShift)->second;
  auto pages = pages_of(pfns);
  if (!pages) return false;
  mapping.pages = std::move(*pages);
  mapping.access = PageAccess::read_write;
  if (map_pages(address, mapping)) return true;
  unmap_reserved(address);
  return false;
}

void SystemMappings::unmap_reserved(std::uint64_t address) {
  Mapping& mapping = mappings_.find((address - base()) >> kPageShift)->second;
  close(address, mapping.span);
  mapping.pages.clear();
}

void SystemMappings::release(std::uint64_t address) {
  const auto at = mappings_.find((address - base()) >> kPageShift);
  if (!at->second.pages.empty()) close(address, at->second.span);
  mappings_.erase(at);
}

std::vector<std::uint64_t> SystemMappings::reservations() const {
  std::vector<std::uint64_t> all;
  for (const auto& [first, mapping] : mappings_)
    if (mapping.reserved) all.push_back(address_of(first));
  return all;
}

// --- what an address is ----------------------------------------------------------------------------------------------------------

std::optional<ArenaPlace> SystemMappings::place_in(std::uint64_t first, const Mapping& mapping, std::uint64_t page, bool dead) const {
  const std::uint64_t index = page - first;
  if (page < first || index >= mapping.span) return std::nullopt;
  const std::uint64_t start = address_of(first), end = start + (mapping.pages.size() << kPageShift);
  if (index >= mapping.pages.size()) {
    const auto state = mapping.reserved ? ArenaPlace::State::reserved : dead ? ArenaPlace::State::dead : ArenaPlace::State::guard;
    return ArenaPlace{state, PageAccess::none, std::nullopt, start, end};
  }
  return ArenaPlace{dead ? ArenaPlace::State::dead : ArenaPlace::State::live, dead ? PageAccess::none : mapping.access, mapping.pages[index], start, end};
}

std::optional<ArenaPlace> SystemMappings::look(std::uint64_t address) const {
  if (!in_arena(address)) return std::nullopt;
  const std::uint64_t page = (address - base()) >> kPageShift;
  if (auto found = mappings_.upper_bound(page); found != mappings_.begin()) {
    --found;
    if (const auto place = place_in(found->first, found->second, page, false)) return place;
  }
  for (const auto& [first, mapping] : dead_)
    if (const auto place = place_in(first, mapping, page, true)) return place;
  return std::nullopt;
}

std::optional<std::uint32_t> SystemMappings::page_at(std::uint64_t address) const {
  const auto place = look(address);
  return place && place->state == ArenaPlace::State::live ? place->page : std::nullopt;
}

}  // namespace drydock
