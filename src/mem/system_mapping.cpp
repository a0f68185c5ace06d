#include "mem/system_mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace drydock {

namespace {

constexpr std::uint64_t kArenaPages = kArenaSize >> kPageShift;

}  // namespace

SystemMappings::~SystemMappings() {
  for (const auto& [first, pages] : mappings_) close(base() + (first << kPageShift), pages.size());
}

// Next fit: on from the last mapping, once round, past whatever still lives there.
std::optional<std::uint64_t> SystemMappings::find_room(std::uint64_t pages) {
  for (int pass = 0; pass < 2; ++pass, next_ = 0) {
    std::uint64_t at = next_;
    auto live = mappings_.lower_bound(at);
    if (live != mappings_.begin()) {
      const auto before = std::prev(live);
      at = std::max(at, before->first + before->second.size());
    }
    for (; live != mappings_.end() && live->first - at < pages; ++live) at = live->first + live->second.size();
    if (at + pages <= kArenaPages) {
      next_ = at + pages;
      return at;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> SystemMappings::map(std::span<const std::uint64_t> pfns) {
  std::vector<std::uint32_t> pages;
  pages.reserve(pfns.size());
  for (const std::uint64_t pfn : pfns) {
    const auto page = memory_.page_of_pfn(pfn);
    if (!page) return std::nullopt;
    pages.push_back(*page);
  }
  const auto first = pages.empty() ? std::nullopt : find_room(pages.size());
  if (!first) return std::nullopt;
  const std::uint64_t address = base() + (*first << kPageShift);
  if (!map_pages(address, pages)) {
    close(address, pages.size());
    return std::nullopt;
  }
  mappings_.emplace(*first, std::move(pages));
  return address;
}

// One system call for each run of consecutive file pages.
bool SystemMappings::map_pages(std::uint64_t address, std::span<const std::uint32_t> pages) const {
  for (std::size_t at = 0; at < pages.size();) {
    std::size_t end = at + 1;
    while (end < pages.size() && pages[end] == pages[end - 1] + 1) ++end;
    void* where = reinterpret_cast<void*>(address + (at << kPageShift));
    const auto offset = static_cast<off_t>(std::uint64_t{pages[at]} << kPageShift);
    if (mmap(where, (end - at) << kPageShift, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory_.file(), offset) != where)
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

bool SystemMappings::unmap(std::uint64_t address) {
  if (!in_arena(address) || address % kPageSize != 0) return false;
  const auto found = mappings_.find((address - base()) >> kPageShift);
  if (found == mappings_.end()) return false;
  close(address, found->second.size());
  mappings_.erase(found);
  return true;
}

std::optional<std::uint32_t> SystemMappings::page_at(std::uint64_t address) const {
  if (!in_arena(address)) return std::nullopt;
  const std::uint64_t page = (address - base()) >> kPageShift;
  auto found = mappings_.upper_bound(page);
  if (found == mappings_.begin()) return std::nullopt;
  --found;
  const std::uint64_t index = page - found->first;
  return index < found->second.size() ? std::optional(found->second[index]) : std::nullopt;
}

}  // namespace drydock
