#include "devices/backing/memory_store.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/address.h"

namespace drydock {

namespace {

/// Large disks are mostly holes: there a huge page for every byte that is touched would be a waste.
constexpr std::uint64_t kHugePagesUpTo = 1u << 30;

void* map_lazily(std::uint64_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at != MAP_FAILED && bytes <= kHugePagesUpTo) madvise(at, bytes, MADV_HUGEPAGE);
  return at;
}

}  // namespace

std::uint64_t MemoryStore::present_bytes(std::uint64_t size) {
  return (pages_spanned(0, size) + 63) / 64 * sizeof(std::uint64_t);
}

Result<std::unique_ptr<MemoryStore>> MemoryStore::create(std::uint64_t size, bool read_only) {
  if (size == 0 || size % kSectorSize != 0 || size > kSizeMax)
    return refuse("a memory disk of {} bytes: it must be a multiple of {}, up to {} TiB", size, kSectorSize, kSizeMax >> 40);
  void* bytes = map_lazily(size);
  if (bytes == MAP_FAILED) return refuse("no room for a memory disk of {} bytes: {}", size, std::strerror(errno));
  void* present = map_lazily(present_bytes(size));
  if (present == MAP_FAILED) {
    munmap(bytes, size);
    return refuse("no room for a memory disk of {} bytes: {}", size, std::strerror(errno));
  }
  return std::unique_ptr<MemoryStore>(
      new MemoryStore(size, read_only, static_cast<std::byte*>(bytes), static_cast<std::uint64_t*>(present)));
}

MemoryStore::~MemoryStore() {
  munmap(bytes_, size());
  munmap(present_, present_bytes(size()));
}

int MemoryStore::read(std::uint64_t offset, Pieces to) {
  const std::byte* from = bytes_ + offset;
  for (const iovec& piece : to) {
    std::memcpy(piece.iov_base, from, piece.iov_len);
    from += piece.iov_len;
  }
  return 0;
}

int MemoryStore::write(std::uint64_t offset, Pieces from) {
  if (read_only()) return EROFS;
  std::byte* to = bytes_ + offset;
  for (const iovec& piece : from) {
    std::memcpy(to, piece.iov_base, piece.iov_len);
    to += piece.iov_len;
  }
  note_present(offset, static_cast<std::uint64_t>(to - (bytes_ + offset)));
  return 0;
}

void MemoryStore::note_present(std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t last = (offset + length + kPageMask) >> kPageShift;
  for (std::uint64_t page = offset >> kPageShift; page < last; ++page)
    present_[page / 64] |= std::uint64_t{1} << (page % 64);
}

void MemoryStore::forget_pages(std::uint64_t first, std::uint64_t last) {
  if (first >= last) return;
  madvise(bytes_ + (first << kPageShift), (last - first) << kPageShift, MADV_DONTNEED);  // reads as zeroes again
  for (std::uint64_t page = first; page < last; ++page) present_[page / 64] &= ~(std::uint64_t{1} << (page % 64));
}

// Whole pages are given back; what is left at both ends is cleared.
int MemoryStore::discard(std::uint64_t offset, std::uint64_t length) {
  if (read_only()) return EROFS;
  const std::uint64_t end = offset + length;
  const std::uint64_t first = (offset + kPageMask) >> kPageShift, last = end >> kPageShift;
  if (first >= last) {
    std::memset(bytes_ + offset, 0, length);
    return 0;
  }
  std::memset(bytes_ + offset, 0, (first << kPageShift) - offset);
  std::memset(bytes_ + (last << kPageShift), 0, end - (last << kPageShift));
  forget_pages(first, last);
  return 0;
}

int MemoryStore::write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) {
  if (may_unmap || read_only()) return discard(offset, length);
  std::memset(bytes_ + offset, 0, length);
  note_present(offset, length);
  return 0;
}

int MemoryStore::extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) {
  const std::uint64_t end = offset + length;
  while (offset < end && out.size() <= kExtentsMax) {
    const std::uint64_t page = offset >> kPageShift;
    const std::uint64_t next = std::min(end, (page + 1) << kPageShift);
    append(out, {offset, next - offset, !is_present(page)});
    offset = next;
  }
  if (out.size() > kExtentsMax) out.pop_back();  // perhaps cut off in its middle
  return 0;
}

}  // namespace drydock
