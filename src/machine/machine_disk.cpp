#include "machine/machine_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace drydock {

/// A client slot for the length of a call.
class MachineDisk::Borrowed {
 public:
  explicit Borrowed(Clients& clients) : clients_(clients), slot_(clients.take()) {}
  ~Borrowed() {
    if (slot_ != nullptr && !lost_) clients_.give_back(*slot_);
  }
  explicit operator bool() const { return slot_ != nullptr; }
  Clients::Slot& operator*() const { return *slot_; }
  Clients::Slot* operator->() const { return slot_; }
  int execute(DiskDevice& device) {
    const int error = clients_.execute(*slot_, device);
    lost_ = !slot_->done;  // the driver still has it
    return error;
  }

 private:
  Clients& clients_;
  Clients::Slot* slot_;
  bool lost_ = false;
};

namespace {

void set(DiskRequest& request, DiskRequest::Kind kind, std::uint64_t block, std::uint64_t blocks, bool fua) {
  request.kind = kind;
  request.block = block;
  request.blocks = blocks;
  request.fua = fua;
  request.may_unmap = false;
  request.buffer = nullptr;
  request.buffer_offset = 0;
}

}  // namespace

int MachineDisk::read_blocks(std::span<std::byte> to, std::uint64_t offset, std::uint32_t shift) {
  Borrowed slot(clients_);
  if (!slot) return ENOMEM;
  for (std::size_t done = 0; done < to.size();) {
    const std::size_t part = std::min<std::size_t>(to.size() - done, kClientBufferSize);
    std::byte* data = slot->data(shift);
    slot->prepare(data, static_cast<std::uint32_t>(part), true);
    set(slot->request, DiskRequest::Kind::read, (offset + done) / block_size(), part / block_size(), false);
    slot->request.buffer = &slot->prepared;
    if (const int error = slot.execute(device_)) return error;
    if (moves_data_) std::memcpy(to.data() + done, data, part);
    done += part;
  }
  return 0;
}

int MachineDisk::write_blocks(std::span<const std::byte> from, std::uint64_t offset, bool fua, std::uint32_t shift) {
  Borrowed slot(clients_);
  if (!slot) return ENOMEM;
  for (std::size_t done = 0; done < from.size();) {
    const std::size_t part = std::min<std::size_t>(from.size() - done, kClientBufferSize);
    std::byte* data = slot->data(shift);
    if (moves_data_) std::memcpy(data, from.data() + done, part);
    slot->prepare(data, static_cast<std::uint32_t>(part), false);
    set(slot->request, DiskRequest::Kind::write, (offset + done) / block_size(), part / block_size(), fua);
    slot->request.buffer = &slot->prepared;
    if (const int error = slot.execute(device_)) return error;
    done += part;
  }
  return 0;
}

int MachineDisk::read(std::span<std::byte> to, std::uint64_t offset) {
  if (!inside(offset, to.size())) return EINVAL;
  const std::uint32_t block = block_size();
  if ((offset | to.size()) % block == 0) [[likely]] return read_blocks(to, offset, 0);
  if (to.empty()) return 0;
  return read_ragged(to, offset);
}

// The blocks around the bytes, then the bytes out of them.
int MachineDisk::read_ragged(std::span<std::byte> to, std::uint64_t offset) {
  const std::uint32_t block = block_size();
  const std::uint64_t start = offset / block * block;
  const std::uint64_t end = (offset + to.size() + block - 1) / block * block;
  std::vector<std::byte> around(end - start);
  if (const int error = read_blocks(around, start, 0)) return error;
  std::memcpy(to.data(), around.data() + (offset - start), to.size());
  return 0;
}

int MachineDisk::write(std::span<const std::byte> from, std::uint64_t offset, bool fua) {
  if (!inside(offset, from.size())) return ENOSPC;
  if (read_only()) return EROFS;
  if ((offset | from.size()) % block_size() == 0) [[likely]] return write_blocks(from, offset, fua, 0);
  if (from.empty()) return fua ? flush() : 0;
  return write_ragged(from, offset, fua);
}

int MachineDisk::write_ragged(std::span<const std::byte> from, std::uint64_t offset, bool fua) {
  const std::lock_guard lock(ragged_);
  const std::uint32_t block = block_size();
  const std::uint64_t start = offset / block * block;
  const std::uint64_t end = (offset + from.size() + block - 1) / block * block;
  std::vector<std::byte> around(end - start);
  if (const int error = read_blocks(around, start, 0)) return error;
  std::memcpy(around.data() + (offset - start), from.data(), from.size());
  return write_blocks(around, start, fua, 0);
}

int MachineDisk::without_data(DiskRequest::Kind kind, std::uint64_t offset, std::uint64_t length, bool may_unmap, bool fua) {
  Borrowed slot(clients_);
  if (!slot) return ENOMEM;
  set(slot->request, kind, offset / block_size(), length / block_size(), fua);
  slot->request.may_unmap = may_unmap;
  return slot.execute(device_);
}

int MachineDisk::flush() { return without_data(DiskRequest::Kind::flush, 0, 0, false, false); }

// Only whole blocks can be unmapped; the ragged ends are left as they are, which a trim allows.
int MachineDisk::trim(std::uint64_t offset, std::uint64_t length, bool fua) {
  if (!inside(offset, length)) return EINVAL;
  if (read_only()) return EROFS;
  if (!can_trim()) return EOPNOTSUPP;
  const std::uint32_t block = block_size();
  const std::uint64_t first = (offset + block - 1) / block * block, end = (offset + length) / block * block;
  if (first < end)
    if (const int error = without_data(DiskRequest::Kind::unmap, first, end - first, true, false)) return error;
  return fua ? flush() : 0;
}

int MachineDisk::zero_by_writing(std::uint64_t offset, std::uint64_t length, bool fua) {
  static const std::byte zeros[64 * 1024]{};
  for (std::uint64_t done = 0; done < length;) {
    const std::uint64_t part = std::min<std::uint64_t>(length - done, sizeof zeros);
    if (const int error = write({zeros, part}, offset + done, fua)) return error;
    done += part;
  }
  return 0;
}

int MachineDisk::zero(std::uint64_t offset, std::uint64_t length, bool may_trim, bool fua) {
  if (!inside(offset, length)) return ENOSPC;
  if (read_only()) return EROFS;
  if (!can_zero()) return EOPNOTSUPP;
  const std::uint32_t block = block_size();
  const std::uint64_t first = (offset + block - 1) / block * block, end = (offset + length) / block * block;
  if (first >= end) return zero_by_writing(offset, length, fua);
  if (const int error = zero_by_writing(offset, first - offset, false)) return error;
  if (const int error = without_data(DiskRequest::Kind::write_same, first, end - first, may_trim, fua)) return error;
  return zero_by_writing(end, offset + length - end, fua);
}

std::vector<Extent> MachineDisk::extents(std::uint64_t offset, std::uint64_t length) {
  std::vector<StoreExtent> known;
  std::vector<Extent> extents;
  if (!extents_valid_ || !inside(offset, length)) return extents;
  const std::lock_guard lock(clients_.machine_mutex());
  if (backing_.extents(offset, length, known) != 0) return extents;
  for (const StoreExtent& e : known) extents.push_back({e.offset, e.length, e.hole, e.hole});
  return extents;
}

}  // namespace drydock
