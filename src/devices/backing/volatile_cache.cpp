#include "devices/backing/volatile_cache.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/check.h"
#include "devices/backing/pieces_cursor.h"

namespace drydock {

// Nobody is left to be told of an error here; the device's own flush has been the last chance.
VolatileCache::~VolatileCache() {
  if (powered_) (void)write_back();
}

// --- chunks -----------------------------------------------------------------------------------------------------------

template <class Act>
void VolatileCache::each_part(std::uint64_t offset, std::uint64_t length, Act act) {
  while (length > 0) {
    const auto inside = static_cast<std::uint32_t>(offset % kChunkSize);
    const auto part = static_cast<std::uint32_t>(std::min<std::uint64_t>(length, kChunkSize - inside));
    act(Part{offset / kChunkSize, inside, part});
    offset += part, length -= part;
  }
}

std::uint32_t VolatileCache::find(std::uint64_t chunk) const {
  for (std::uint32_t slot = slot_of(chunk); index_[slot] != 0; slot = (slot + 1) & ((1u << kIndexBits) - 1))
    if (entries_[index_[slot] - 1].chunk == chunk) return index_[slot] - 1;
  return kNone;
}

std::uint32_t VolatileCache::find_or_add(std::uint64_t chunk) {
  std::uint32_t slot = slot_of(chunk);
  for (; index_[slot] != 0; slot = (slot + 1) & ((1u << kIndexBits) - 1))
    if (entries_[index_[slot] - 1].chunk == chunk) return index_[slot] - 1;
  entries_.push_back({chunk, 0});
  index_[slot] = static_cast<std::uint32_t>(entries_.size());
  return index_[slot] - 1;
}

// Everything is reserved at the first write, so that later ones allocate nothing.
void VolatileCache::make_room() {
  if (slab_) return;
  void* slab = mmap(nullptr, std::size_t{kChunksMax} * kChunkSize, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(slab != MAP_FAILED, "no addresses left for a disk's write cache");
  slab_.reset(static_cast<std::byte*>(slab));
  entries_.reserve(kChunksMax);
  order_.reserve(kChunksMax);
  run_.reserve(IOV_MAX);
  index_.assign(std::size_t{1} << kIndexBits, 0);
}

int VolatileCache::write_back_early() {
  ++early_write_backs_;
  if (const int error = write_back()) return error;
  forget_all();
  return 0;
}

void VolatileCache::drop(std::uint64_t offset, std::uint64_t length) {
  if (entries_.empty()) return;
  const std::uint64_t end = offset + length;
  if (length / kChunkSize > entries_.size()) {  // a large range, a small cache
    for (Entry& entry : entries_) {
      const std::uint64_t first = std::max(offset, entry.chunk * kChunkSize), last = std::min(end, (entry.chunk + 1) * kChunkSize);
      if (first < last)
        each_part(first, last - first, [&](const Part& part) { entry.dirty &= static_cast<Mask>(~part.sectors()); });
    }
    return;
  }
  each_part(offset, length, [&](const Part& part) {
    if (const std::uint32_t entry = find(part.chunk); entry != kNone)
      entries_[entry].dirty &= static_cast<Mask>(~part.sectors());
  });
}

void VolatileCache::forget_all() {
  if (entries_.size() > index_.size() / 16)
    std::fill(index_.begin(), index_.end(), 0u);
  else
    for (const Entry& entry : entries_)
      for (std::uint32_t slot = slot_of(entry.chunk); index_[slot] != 0; slot = (slot + 1) & ((1u << kIndexBits) - 1))
        index_[slot] = 0;
  entries_.clear();
}

std::size_t VolatileCache::dirty_chunks() const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [](const Entry& e) { return e.dirty != 0; }));
}

// --- reads and writes -------------------------------------------------------------------------------------------------

int VolatileCache::write(std::uint64_t offset, Pieces from) {
  if (!powered_) return EIO;
  if (read_only()) return EROFS;
  make_room();
  const std::uint64_t length = total_bytes(from);
  const std::uint64_t chunks = (offset % kChunkSize + length + kChunkSize - 1) / kChunkSize;
  if (entries_.size() + chunks > kChunksMax) [[unlikely]]
    if (const int error = write_back_early()) return error;
  if (chunks > kChunksMax) return store_.write(offset, from);
  PiecesCursor cursor(from);
  each_part(offset, length, [&](const Part& part) {
    const std::uint32_t entry = find_or_add(part.chunk);
    cursor.copy_in(data(entry) + part.offset, part.length);
    entries_[entry].dirty |= part.sectors();
  });
  return 0;
}

bool VolatileCache::holds_all(std::uint64_t offset, std::uint64_t length) const {
  bool all = true;
  each_part(offset, length, [&](const Part& part) {
    const std::uint32_t entry = all ? find(part.chunk) : kNone;
    all = entry != kNone && (entries_[entry].dirty & part.sectors()) == part.sectors();
  });
  return all;
}

// What the store has, and then what is newer here.
int VolatileCache::read_through(std::uint64_t offset, Pieces to) {
  if (!powered_) return EIO;
  const std::uint64_t length = total_bytes(to);
  if (!holds_all(offset, length))
    if (const int error = store_.read(offset, to)) return error;
  PiecesCursor cursor(to);
  each_part(offset, length, [&](const Part& part) {
    const std::uint32_t entry = find(part.chunk);
    const Mask wanted = part.sectors();
    const Mask newer = entry == kNone ? Mask{0} : static_cast<Mask>(entries_[entry].dirty & wanted);
    if (newer == 0) return cursor.skip(part.length);
    if (newer == wanted) return cursor.copy_out(data(entry) + part.offset, part.length);
    for (std::uint32_t at = part.offset; at < part.offset + part.length; at += kSectorSize)
      if ((newer >> at / kSectorSize & 1) != 0)
        cursor.copy_out(data(entry) + at, kSectorSize);
      else
        cursor.skip(kSectorSize);
  });
  return 0;
}

int VolatileCache::write_durably(std::uint64_t offset, Pieces from) {
  if (!powered_) return EIO;
  if (const int error = store_.write(offset, from)) return error;
  drop(offset, total_bytes(from));  // what was here is older
  return store_.flush();
}

int VolatileCache::discard(std::uint64_t offset, std::uint64_t length) {
  if (!powered_) return EIO;
  if (const int error = store_.discard(offset, length)) return error;
  drop(offset, length);
  return 0;
}

int VolatileCache::write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) {
  if (!powered_) return EIO;
  if (length <= kZeroesMax && !may_unmap) {
    static constexpr std::array<std::byte, kZeroesMax> zeroes{};
    const iovec piece{const_cast<std::byte*>(zeroes.data()), length};
    return write(offset, Pieces(&piece, 1));
  }
  if (const int error = store_.write_zeroes(offset, length, may_unmap)) return error;
  drop(offset, length);
  return 0;
}

// --- to the store -----------------------------------------------------------------------------------------------------

// What could not be written stays dirty: a later flush tries again.
int VolatileCache::flush() {
  if (!powered_) return EIO;
  if (const int error = write_back()) return error;
  if (const int error = store_.flush()) return error;
  forget_all();
  return 0;
}

void VolatileCache::sort_by_offset() {
  order_.clear();
  for (std::uint32_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].dirty != 0) order_.push_back(i);
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) { return entries_[a].chunk < entries_[b].chunk; });
}

int VolatileCache::write_run(std::uint64_t offset) {
  const int error = run_.empty() ? 0 : store_.write(offset, run_);
  run_.clear();
  return error;
}

int VolatileCache::write_back() {
  sort_by_offset();
  std::uint64_t start = 0, end = 0;  // of the run being gathered
  for (const std::uint32_t index : order_) {
    const Entry& entry = entries_[index];
    for (unsigned sector = 0; sector < kSectors; ++sector) {
      if ((entry.dirty >> sector & 1) == 0) continue;
      const auto sectors = static_cast<unsigned>(std::countr_one(static_cast<unsigned>(entry.dirty) >> sector));
      const std::uint64_t at = entry.chunk * kChunkSize + sector * kSectorSize;
      if (at != end || run_.size() == IOV_MAX) {
        if (const int error = write_run(start)) return error;
        start = at;
      }
      run_.push_back({data(index) + sector * kSectorSize, sectors * kSectorSize});
      end = at + sectors * kSectorSize;
      sector += sectors;  // the one behind them is clean
    }
  }
  return write_run(start);
}

// --- extents ----------------------------------------------------------------------------------------------------------

// A hole of the store with something dirty over it is data there. order_ is sorted.
void VolatileCache::append_hole(const StoreExtent& hole, std::vector<StoreExtent>& out) const {
  std::uint64_t at = hole.offset;
  const std::uint64_t end = hole.offset + hole.length;
  const auto before = [&](std::uint32_t index, std::uint64_t chunk) { return entries_[index].chunk < chunk; };
  for (auto i = std::lower_bound(order_.begin(), order_.end(), at / kChunkSize, before); i != order_.end(); ++i) {
    const std::uint64_t first = std::max(at, entries_[*i].chunk * kChunkSize);
    if (first >= end) break;
    const std::uint64_t last = std::min(end, (entries_[*i].chunk + 1) * kChunkSize);
    append(out, {at, first - at, true});
    append(out, {first, last - first, false});
    at = last;
  }
  append(out, {at, end - at, true});
}

int VolatileCache::extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) {
  if (!powered_) return EIO;
  if (entries_.empty()) return store_.extents(offset, length, out);
  std::vector<StoreExtent> below;
  if (const int error = store_.extents(offset, length, below)) return error;
  sort_by_offset();
  for (const StoreExtent& extent : below) extent.hole ? append_hole(extent, out) : append(out, extent);
  return 0;
}

void VolatileCache::cut_power() {
  powered_ = false;
  entries_.clear();
}

}  // namespace drydock
