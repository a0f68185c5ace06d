#pragma once
// MemoryStore: a disk in this process's memory, all zeroes at first, gone with the process. Pages that were never written
// (or were discarded) are holes and cost nothing.

#include <memory>

#include "base/result.h"
#include "devices/backing/block_store.h"

namespace drydock {

class MemoryStore final : public BlockStore {
 public:
  static constexpr std::uint64_t kSizeMax = std::uint64_t{4} << 40;  ///< 4 TiB of addresses
  /// size: a multiple of 512.
  static Result<std::unique_ptr<MemoryStore>> create(std::uint64_t size, bool read_only);
  ~MemoryStore() override;

  int read(std::uint64_t offset, Pieces to) override;
  int write(std::uint64_t offset, Pieces from) override;
  int flush() override { return 0; }
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) override;
  int extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) override;

 private:
  MemoryStore(std::uint64_t size, bool read_only, std::byte* bytes, std::uint64_t* present)
      : BlockStore(size, read_only), bytes_(bytes), present_(present) {}
  static std::uint64_t present_bytes(std::uint64_t size);
  void note_present(std::uint64_t offset, std::uint64_t length);
  void forget_pages(std::uint64_t first, std::uint64_t last);
  bool is_present(std::uint64_t page) const { return (present_[page / 64] >> (page % 64) & 1) != 0; }

  std::byte* bytes_;
  std::uint64_t* present_;  ///< a bit for every page
};

}  // namespace drydock
