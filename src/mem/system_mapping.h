#pragma once
// SystemMappings: system addresses for page lists that are not consecutive in the file, such as an MDL spliced from several
// buffers. The pages are mapped one after another in an arena of their own. Lists that are consecutive need none of this:
// the system view already shows them. An address is not given out again until the arena has gone round once, so a use after
// unmapping faults.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "mem/physical_memory.h"

namespace drydock {

class SystemMappings {
 public:
  explicit SystemMappings(PhysicalMemory& memory) : memory_(memory) {}
  ~SystemMappings();
  SystemMappings(const SystemMappings&) = delete;
  SystemMappings& operator=(const SystemMappings&) = delete;

  /// Maps the pages, readable and writable; the address of the first. None when a PFN is not RAM, or the arena or the
  /// process has no room (65,530 mappings is Linux' default limit).
  std::optional<std::uint64_t> map(std::span<const std::uint64_t> pfns);
  /// `address` is what map() returned; false when it is not.
  bool unmap(std::uint64_t address);

  /// The file page behind an address of a live mapping.
  std::optional<std::uint32_t> page_at(std::uint64_t address) const;
  /// Does the address lie in the arena, mapped or not?
  bool in_arena(std::uint64_t address) const { return address - base() < kArenaSize; }
  std::size_t live() const { return mappings_.size(); }

 private:
  std::uint64_t base() const { return memory_.slot() + kMappingArena; }
  std::optional<std::uint64_t> find_room(std::uint64_t pages);
  bool map_pages(std::uint64_t address, std::span<const std::uint32_t> pages) const;
  void close(std::uint64_t address, std::uint64_t pages) const;

  PhysicalMemory& memory_;
  std::map<std::uint64_t, std::vector<std::uint32_t>> mappings_;  ///< by first page of the arena
  std::uint64_t next_ = 0;
};

/// A mapping that ends with its owner.
class SystemMapping {
 public:
  SystemMapping() = default;
  SystemMapping(SystemMappings& mappings, std::uint64_t address) : mappings_(&mappings), address_(address) {}
  SystemMapping(SystemMapping&& other) noexcept
      : mappings_(std::exchange(other.mappings_, nullptr)), address_(other.address_) {}
  SystemMapping& operator=(SystemMapping&& other) noexcept {
    std::swap(mappings_, other.mappings_);
    std::swap(address_, other.address_);
    return *this;
  }
  ~SystemMapping() {
    if (mappings_ != nullptr) mappings_->unmap(address_);
  }
  std::uint64_t address() const { return address_; }

 private:
  SystemMappings* mappings_ = nullptr;
  std::uint64_t address_ = 0;
};

}  // namespace drydock
