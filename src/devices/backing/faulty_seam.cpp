#include "devices/backing/faulty_seam.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "devices/backing/block_store.h"

namespace drydock {

namespace {

int fail(int error) {
  errno = error;
  return -1;
}

}  // namespace

ssize_t FaultySeam::read(int file, const iovec* pieces, int count, off_t offset) {
  if (plan_.strikes(FaultPoint::io_error)) return fail(EIO);
  if (plan_.strikes(FaultPoint::short_io)) return part_of(&FileSeam::read, 1, file, pieces, count, offset);
  return host_.read(file, pieces, count, offset);
}

ssize_t FaultySeam::write(int file, const iovec* pieces, int count, off_t offset) {
  if (plan_.strikes(FaultPoint::io_error)) return fail(EIO);
  if (plan_.strikes(FaultPoint::enospc)) return fail(ENOSPC);
  if (plan_.strikes(FaultPoint::short_io)) return part_of(&FileSeam::write, kSectorSize, file, pieces, count, offset);
  return host_.write(file, pieces, count, offset);
}

/// From the front, at least a unit and, where there is more, not all: the caller is to go on from there. A write ends between
/// sectors, as hosts do it: one that fails after that has torn none.
ssize_t FaultySeam::part_of(Transfer call, std::uint32_t unit, int file, const iovec* pieces, int count, off_t offset) {
  const std::uint64_t whole = total_bytes(Pieces(pieces, static_cast<std::size_t>(count)));
  std::uint64_t left = whole <= unit ? whole : unit * (1 + plan_.choose(FaultPoint::short_io).below((whole - 1) / unit));
  std::vector<iovec> part;
  for (int i = 0; i < count && left > 0; ++i) {
    part.push_back({pieces[i].iov_base, std::min<std::size_t>(pieces[i].iov_len, left)});
    left -= part.back().iov_len;
  }
  return (host_.*call)(file, part.data(), static_cast<int>(part.size()), offset);
}

int FaultySeam::sync_data(int file) {
  if (plan_.strikes(FaultPoint::io_error)) return fail(EIO);
  return host_.sync_data(file);
}

// Giving space back needs none.
int FaultySeam::allocate(int file, int mode, off_t offset, off_t length) {
  if ((mode & FALLOC_FL_PUNCH_HOLE) == 0 && plan_.strikes(FaultPoint::enospc)) return fail(ENOSPC);
  return host_.allocate(file, mode, offset, length);
}

}  // namespace drydock
