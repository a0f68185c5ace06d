#pragma once
// VolatileCache: the write cache of a disk. It promises: a write is in the cache when write() returns and in the store
// when a later flush() has returned, or at once with write_durably(); every flush() is exactly one flush of the store,
// after everything written before. Reads see what was written. When power fails, what was not flushed is lost, all of it
// that had not been written back for want of room. An orderly end (the destructor) writes back.
//
// What was written is kept in chunks of 4 KiB with a bit for every dirty sector; flush() writes it in order of offset.

#include <sys/mman.h>

#include <cstddef>
#include <memory>

#include "devices/backing/block_store.h"

namespace drydock {

class VolatileCache final : public BlockStore {
 public:
  static constexpr std::uint32_t kChunkSize = 4096;
  static constexpr std::uint32_t kChunksMax = 16384;  ///< 64 MiB
  static constexpr std::uint64_t kZeroesMax = 256u << 10;  ///< more zeroes than this go to the store directly

  /// `store` outlives the cache.
  explicit VolatileCache(BlockStore& store) : BlockStore(store.size(), store.read_only()), store_(store) {}
  ~VolatileCache() override;

  int read(std::uint64_t offset, Pieces to) override {
    if (entries_.empty() && powered_) [[likely]] return store_.read(offset, to);
    return read_through(offset, to);
  }
  int write(std::uint64_t offset, Pieces from) override;
  int write_durably(std::uint64_t offset, Pieces from) override;
  int flush() override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) override;
  int extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) override;

  /// Power fails: what is in here is forgotten and the store is never touched again. Every later call gives EIO.
  void cut_power();
  /// Chunks that wait for a flush.
  std::size_t dirty_chunks() const;
  /// How often the cache was full and wrote back before it was asked to.
  std::uint64_t early_write_backs() const { return early_write_backs_; }

 private:
  using Mask = std::uint8_t;
  static constexpr unsigned kSectors = kChunkSize / kSectorSize;
  static constexpr std::uint32_t kNone = ~0u;
  static constexpr unsigned kIndexBits = 15;
  static_assert(kChunksMax == 1u << (kIndexBits - 1), "the index is never more than half full");
  struct Entry {
    std::uint64_t chunk;
    Mask dirty;
  };
  /// The part of a request that lies in one chunk.
  struct Part {
    std::uint64_t chunk;
    std::uint32_t offset, length;
    Mask sectors() const {
      return static_cast<Mask>(((1u << length / kSectorSize) - 1) << offset / kSectorSize);
    }
  };
  template <class Act>
  static void each_part(std::uint64_t offset, std::uint64_t length, Act act);

  static std::uint32_t slot_of(std::uint64_t chunk) {
    return static_cast<std::uint32_t>((chunk * 0x9E37'79B9'7F4A'7C15u) >> (64 - kIndexBits));
  }
  std::uint32_t find(std::uint64_t chunk) const;
  std::uint32_t find_or_add(std::uint64_t chunk);
  std::byte* data(std::uint32_t entry) const { return slab_.get() + std::size_t{entry} * kChunkSize; }
  void make_room();
  int write_back_early();
  void drop(std::uint64_t offset, std::uint64_t length);
  void forget_all();
  int read_through(std::uint64_t offset, Pieces to);
  bool holds_all(std::uint64_t offset, std::uint64_t length) const;
  int write_back();
  int write_run(std::uint64_t offset);
  void sort_by_offset();
  void append_hole(const StoreExtent& hole, std::vector<StoreExtent>& out) const;

  struct Unmap {
    void operator()(std::byte* slab) const { munmap(slab, std::size_t{kChunksMax} * kChunkSize); }
  };
  BlockStore& store_;
  std::vector<Entry> entries_;         ///< in the order they came
  std::vector<std::uint32_t> index_;   ///< hash table of entry number + 1; 0: empty
  std::vector<std::uint32_t> order_;   ///< entry numbers, sorted by offset while writing back
  std::vector<iovec> run_;             ///< consecutive bytes on their way to the store
  std::unique_ptr<std::byte, Unmap> slab_;
  std::uint64_t early_write_backs_ = 0;
  bool powered_ = true;
};

}  // namespace drydock
