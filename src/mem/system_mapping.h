#pragma once
// SystemMappings: system addresses for page lists that the system view does not show as they are wanted: an MDL spliced from
// several buffers, a mapping that must not be written, or, when drivers are watched closely, one with a closed page behind
// it. The pages are mapped one after another in an arena of their own. An address is not given out again until the arena
// has gone round once, so a use after unmapping faults; what was mapped there is remembered for a while.
//
// A range may also be reserved, and mapped and unmapped again and again (MmAllocateMappingAddress).

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "mem/page_access.h"
#include "mem/physical_memory.h"

namespace drydock {

struct MappingKind {
  PageAccess access = PageAccess::read_write;
  bool guarded = false;  ///< a closed page behind the last one
};

/// What an address of the arena is.
struct ArenaPlace {
  enum class State : std::uint8_t { live, guard, dead, reserved };
  State state = State::live;
  PageAccess access = PageAccess::none;
  std::optional<std::uint32_t> page;  ///< file page that is, or was, mapped there
  std::uint64_t mapping = 0;          ///< address of the mapping's first page
  std::uint64_t end = 0;              ///< behind its last page
};

class SystemMappings {
 public:
  static constexpr std::size_t kDeadMax = 512;
  static constexpr std::size_t kLiveMax = 16'384;  ///< Linux gives a process 65,530 mappings by default

  explicit SystemMappings(PhysicalMemory& memory) : memory_(memory) {}
  ~SystemMappings();
  SystemMappings(const SystemMappings&) = delete;
  SystemMappings& operator=(const SystemMappings&) = delete;

  /// Maps the pages; the address of the first. None when a PFN is not RAM, or the arena or the process has no room.
  std::optional<std::uint64_t> map(std::span<const std::uint64_t> pfns, MappingKind kind = {});
  /// `address` is what map() returned; false when it is not.
  bool unmap(std::uint64_t address);
  /// Of the whole mapping that map() returned.
  bool protect(std::uint64_t address, PageAccess access);

  /// A range without memory; none when the arena has no room.
  std::optional<std::uint64_t> reserve(std::uint64_t pages, std::uint32_t tag);
  struct Reservation {
    std::uint64_t pages = 0;
    std::uint32_t tag = 0;
    bool mapped = false;
  };
  std::optional<Reservation> reservation(std::uint64_t address) const;
  /// `address` is a reservation that is not mapped and has room for the pages. False: a PFN is not RAM.
  bool map_reserved(std::uint64_t address, std::span<const std::uint64_t> pfns);
  void unmap_reserved(std::uint64_t address);
  void release(std::uint64_t address);
  /// Reservations that were not released: addresses.
  std::vector<std::uint64_t> reservations() const;

  /// The file page behind an address of a live mapping.
  std::optional<std::uint32_t> page_at(std::uint64_t address) const;
  std::optional<ArenaPlace> look(std::uint64_t address) const;
  /// Does the address lie in the arena, mapped or not?
  bool in_arena(std::uint64_t address) const { return address - base() < kArenaSize; }
  std::size_t live() const { return mappings_.size(); }

 private:
  struct Mapping {
    std::vector<std::uint32_t> pages;
    std::uint64_t span = 0;  ///< pages of the arena, with the guard
    PageAccess access = PageAccess::read_write;
    bool reserved = false;
    std::uint32_t tag = 0;
  };
  std::uint64_t base() const { return memory_.slot() + kMappingArena; }
  std::uint64_t address_of(std::uint64_t first) const { return base() + (first << kPageShift); }
  const Mapping* find(std::uint64_t address) const;
  std::optional<std::vector<std::uint32_t>> pages_of(std::span<const std::uint64_t> pfns) const;
  std::optional<std::uint64_t> find_room(std::uint64_t pages);
  bool map_pages(std::uint64_t address, const Mapping& mapping) const;
  void close(std::uint64_t address, std::uint64_t pages) const;
  std::optional<ArenaPlace> place_in(std::uint64_t first, const Mapping& mapping, std::uint64_t page, bool dead) const;

  PhysicalMemory& memory_;
  std::map<std::uint64_t, Mapping> mappings_;               ///< by first page of the arena
  std::deque<std::pair<std::uint64_t, Mapping>> dead_;      ///< newest first
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
