#pragma once
// BlockStore: where a disk's bytes lie: a file, memory, nowhere. It promises: what write() took, read() gives back; what
// was written before a flush() that succeeded survives the loss of power. Offsets and lengths are bytes, multiples of
// 512, inside the store; the device in front of it has checked that. Every call returns 0 or an errno value.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace drydock {

inline constexpr std::uint32_t kSectorSize = 512;

/// A part of a store. A hole reads as zeroes and occupies nothing.
struct StoreExtent {
  std::uint64_t offset, length;
  bool hole;
  bool operator==(const StoreExtent&) const = default;
};

/// The bytes of a request, in pieces of any size, in order.
using Pieces = std::span<const iovec>;

class BlockStore {
 public:
  /// extents() describes at most this many; callers ask again behind the last one.
  static constexpr std::size_t kExtentsMax = 1024;

  BlockStore(std::uint64_t size, bool read_only) : size_(size), read_only_(read_only) {}
  virtual ~BlockStore() = default;
  BlockStore(const BlockStore&) = delete;
  BlockStore& operator=(const BlockStore&) = delete;

  std::uint64_t size() const { return size_; }
  bool read_only() const { return read_only_; }
  /// False when reads give nothing and writes keep nothing (only the status is real).
  virtual bool moves_data() const { return true; }

  [[nodiscard]] virtual int read(std::uint64_t offset, Pieces to) = 0;
  [[nodiscard]] virtual int write(std::uint64_t offset, Pieces from) = 0;
  /// As write(), and it survives the loss of power once this returns (force unit access).
  [[nodiscard]] virtual int write_durably(std::uint64_t offset, Pieces from) {
    if (const int error = write(offset, from)) return error;
    return flush();
  }
  [[nodiscard]] virtual int flush() = 0;
  /// The bytes are not needed any more; they read as zeroes or as before.
  [[nodiscard]] virtual int discard(std::uint64_t offset, std::uint64_t length) = 0;
  /// They read as zeroes; `may_unmap`: the space may be given back.
  [[nodiscard]] virtual int write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) = 0;
  /// Appends what is known of [offset, offset + length), in order, without gaps, from `offset` on.
  [[nodiscard]] virtual int extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) {
    append(out, {offset, length, false});
    return 0;
  }

  static void append(std::vector<StoreExtent>& out, const StoreExtent& extent) {
    if (extent.length == 0) return;
    if (!out.empty() && out.back().hole == extent.hole && out.back().offset + out.back().length == extent.offset)
      out.back().length += extent.length;
    else
      out.push_back(extent);
  }

 private:
  std::uint64_t size_;
  bool read_only_;
};

inline std::uint64_t total_bytes(Pieces pieces) {
  std::uint64_t total = 0;
  for (const iovec& piece : pieces) total += piece.iov_len;
  return total;
}

}  // namespace drydock
