#pragma once
// Pool: the kernel's allocator for drivers and for drydock's own driver-visible structures. Memory comes from ordinary
// pages through the system view. What is known about a block (size, tag, who asked) lies in side tables of the host, where
// no overrun of a driver can reach it. Promises: alignment 16; below a page a block never crosses a page; from a page on it
// begins on one; equal sequences of calls give equal addresses.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "mem/guarded_memory.h"
#include "mem/physical_memory.h"
#include "trace/code_place.h"

namespace drydock {

enum class PoolKind : std::uint8_t { nonpaged, paged };

/// What was asked for, and where.
struct PoolBlock {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint32_t tag = 0;
  PoolKind kind = PoolKind::nonpaged;
  CodePlace place;
};

enum class PoolFault : std::uint8_t {
  not_a_block,   ///< the address never came from this pool
  inside_block,  ///< it points into a live block, not at its start
  freed_twice,   ///< the block was freed before
};

/// A block that was given back.
struct FreedBlock {
  PoolBlock block;
  bool overrun = false;  ///< bytes beside the block were changed (seen with checks on only)
};

class Pool {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 31;
  static constexpr std::byte kFresh{0xCD};  ///< fills new blocks
  static constexpr std::byte kSlack{0xFD};  ///< fills what lies between the requested length and the block's end
  static constexpr std::byte kFreed{0xDE};  ///< fills freed blocks

  /// `checks`: fill blocks as above and look at the slack when they are freed.
  Pool(PhysicalMemory& memory, bool checks);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// From now on blocks that somebody asked for (`place`) lie in guarded memory, while it has room. May be null: no more.
  void guard_with(GuardedMemory* guarded) { guarded_ = guarded; }
  GuardedMemory* guarded() const { return guarded_; }

  /// nullptr when memory has run out. Zero bytes are one byte. Contents are undefined.
  void* allocate(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place = {});
  /// Nonpaged memory of drydock's own that a driver is given to look at: guarded, too, where blocks are.
  void* allocate_shown(std::uint64_t bytes, std::uint32_t tag, const CodePlace& place = {});
  tl::expected<FreedBlock, PoolFault> free(std::uint64_t address, const CodePlace& place = {});
  tl::expected<FreedBlock, PoolFault> free(void* address, const CodePlace& place = {}) { return free(reinterpret_cast<std::uint64_t>(address), place); }

  /// Once: a freed block that somebody had written to when its room was given out again (seen with checks on only).
  std::optional<PoolBlock> take_spoiled() { return std::exchange(spoiled_, std::nullopt); }

  /// The live block around an address.
  std::optional<PoolBlock> find(std::uint64_t address) const;

  std::uint64_t live_blocks() const { return live_blocks_; }
  std::uint64_t live_bytes() const { return live_bytes_; }

  /// Live blocks in order of address.
  template <class F>
  void for_each_live(F&& f) const {
    if (guarded_ != nullptr)
      guarded_->for_each_live([&](const GuardedObject& object) {
        if (object.what == kGuardedName) f(block_of(object));
      });
    for (std::uint32_t page = 0; page < by_page_.size(); ++page) {
      const std::uint32_t mark = by_page_[page];
      if (mark == kLargeMark) f(large_.at(page).block);
      if (mark < kSlabMark) continue;
      const Slab& slab = *slabs_[mark - kSlabMark];
      for (std::uint32_t i = 0; i < slab.slots.size(); ++i)
        if (slab.slots[i].state == SlotState::live) f(block_of(slab, i));
    }
  }

 private:
  enum class SlotState : std::uint8_t { never_used, live, freed };
  struct Slot {
    std::uint32_t tag;
    std::uint16_t bytes;
    std::uint16_t next_free;
    SlotState state = SlotState::never_used;
    PoolKind kind;
    CodePlace place;
  };
  /// One page cut into slots of one size.
  struct Slab {
    std::uint32_t page;
    std::uint16_t size_class;
    std::uint16_t slot_bytes;
    std::uint16_t first_free;
    std::uint32_t live = 0;
    std::vector<Slot> slots;
  };
  struct Large {
    PageRun run;
    PoolBlock block;
  };
  static constexpr std::uint16_t kNoSlot = 0xFFFF;
  static constexpr std::array<std::uint16_t, 15> kSizes{16,  32,  48,  64,   96,   128,  192, 256,
                                                        384, 512, 672, 1008, 1360, 2048, 4080};
  /// by_page_: what a file page is to the pool.
  static constexpr std::uint32_t kForeign = 0, kLargeMark = 1, kLargeInside = 2, kFreedLarge = 3, kSlabMark = 4;

  static constexpr const char* kGuardedName = "pool block";
  PoolBlock block_of(const GuardedObject& object) const {
    return {object.address, object.bytes, object.tag, guarded_paged_.contains(object.address) ? PoolKind::paged : PoolKind::nonpaged, object.place};
  }

  void* allocate_guarded(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place);
  void* allocate_plain(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place);
  tl::expected<FreedBlock, PoolFault> free_guarded(std::uint64_t address, const CodePlace& place);
  void* allocate_small(std::uint32_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place);
  void* allocate_large(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place);
  Slab* slab_with_room(std::size_t size_class);
  tl::expected<FreedBlock, PoolFault> free_small(Slab& slab, std::uint64_t offset);
  tl::expected<FreedBlock, PoolFault> free_large(std::uint32_t page);
  PoolBlock block_of(const Slab& slab, std::uint32_t slot) const;
  void fill_new(std::byte* start, std::uint64_t bytes, std::uint64_t room) const;
  void look_at_freed(const Slab& slab, std::uint32_t slot);
  bool wipe(std::byte* start, std::uint64_t bytes, std::uint64_t room) const;

  PhysicalMemory& memory_;
  GuardedMemory* guarded_ = nullptr;
  std::set<std::uint64_t> guarded_paged_;  ///< live guarded blocks of paged pool
  bool checks_;
  std::array<std::uint8_t, 4096 / 16 + 1> class_of_;  ///< by bytes / 16, rounded up
  std::vector<std::unique_ptr<Slab>> slabs_;
  std::array<std::vector<std::uint32_t>, kSizes.size()> with_room_;  ///< slabs that have a free slot
  std::map<std::uint32_t, Large> large_;                             ///< by first page
  std::vector<std::uint32_t> by_page_;
  std::optional<PoolBlock> spoiled_;
  std::uint64_t live_blocks_ = 0;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace drydock
