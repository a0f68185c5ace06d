#include "devices/backing/file_store.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

namespace drydock {

namespace {

/// Size in bytes of what was opened.
Result<std::uint64_t> size_of(int file, const std::string& path) {
  struct stat about {};
  if (fstat(file, &about) != 0) return refuse("cannot look at {}: {}", path, std::strerror(errno));
  std::uint64_t size = 0;
  if (S_ISREG(about.st_mode))
    size = static_cast<std::uint64_t>(about.st_size);
  else if (!S_ISBLK(about.st_mode))
    return refuse("{} is neither a file nor a block device", path);
  else if (ioctl(file, BLKGETSIZE64, &size) != 0)
    return refuse("cannot read the size of {}: {}", path, std::strerror(errno));
  if (size == 0) return refuse("{} is empty: a disk needs a size (truncate -s 64M {})", path, path);
  if (size % kSectorSize != 0)
    return refuse("{} has {} bytes, not a multiple of {}: truncate -s %{} {} fills it up", path, size, kSectorSize,
                  kSectorSize, path);
  return size;
}

Result<int> open_file(const std::string& path, bool read_only) {
  const int file = ::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);  // a pipe is refused, not waited for
  if (file < 0) return refuse("cannot open {}{}: {}", path, read_only ? "" : " for writing", std::strerror(errno));
  if (flock(file, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(file);
    return refuse("{} is in use by another program", path);
  }
  return file;
}

bool not_supported(int error) { return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL; }

}  // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(const std::string& path, bool read_only, FileSeam& seam) {
  TRY(const int file, open_file(path, read_only));
  const auto size = size_of(file, path);
  if (!size) {
    close(file);
    return tl::unexpected(size.error());
  }
  return std::unique_ptr<FileStore>(new FileStore(file, *size, read_only, seam));
}

FileStore::~FileStore() { close(file_); }

int FileStore::read(std::uint64_t offset, Pieces to) { return transfer(&FileSeam::read, offset, to); }

int FileStore::write(std::uint64_t offset, Pieces from) {
  return read_only() ? EROFS : transfer(&FileSeam::write, offset, from);
}

// The system may take a part only; then what is left is tried again from there. No progress at all is an error: reading
// behind the end of a file that somebody has shortened.
int FileStore::transfer(Transfer call, std::uint64_t offset, Pieces pieces) {
  std::vector<iovec> rest;
  while (!pieces.empty()) {
    const auto count = static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX));
    const ssize_t done = (seam_.*call)(file_, pieces.data(), count, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    if (done == 0) return EIO;
    offset += static_cast<std::uint64_t>(done);
    auto left = static_cast<std::size_t>(done);
    while (!pieces.empty() && left >= pieces.front().iov_len) left -= pieces.front().iov_len, pieces = pieces.subspan(1);
    if (left == 0) continue;
    rest.assign(pieces.begin(), pieces.end());
    rest.front().iov_base = static_cast<std::byte*>(rest.front().iov_base) + left;
    rest.front().iov_len -= left;
    pieces = rest;
  }
  return 0;
}

int FileStore::flush() {
  if (read_only()) return 0;
  return seam_.sync_data(file_) == 0 ? 0 : errno;
}

int FileStore::discard(std::uint64_t offset, std::uint64_t length) {
  if (read_only()) return EROFS;
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (seam_.allocate(file_, mode, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0) return 0;
  return not_supported(errno) ? 0 : errno;  // it was only advice
}

int FileStore::write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) {
  if (read_only()) return EROFS;
  const auto try_mode = [&](int mode) {
    return seam_.allocate(file_, mode | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0;
  };
  if (may_unmap && try_mode(FALLOC_FL_PUNCH_HOLE)) return 0;
  if (may_unmap && !not_supported(errno)) return errno;
  if (try_mode(FALLOC_FL_ZERO_RANGE)) return 0;
  return not_supported(errno) ? write_zero_bytes(offset, length) : errno;
}

int FileStore::write_zero_bytes(std::uint64_t offset, std::uint64_t length) {
  static constexpr std::array<std::byte, 65536> zeroes{};
  while (length > 0) {
    const auto part = std::min<std::uint64_t>(length, zeroes.size());
    const iovec piece{const_cast<std::byte*>(zeroes.data()), part};
    if (const int error = write(offset, Pieces(&piece, 1))) return error;
    offset += part, length -= part;
  }
  return 0;
}

int FileStore::extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) {
  const std::uint64_t end = offset + length;
  while (offset < end && out.size() < kExtentsMax) {
    const off_t data = lseek(file_, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return BlockStore::extents(offset, end - offset, out);  // the host does not know
    const std::uint64_t data_at = data < 0 ? end : std::min(end, static_cast<std::uint64_t>(data));
    append(out, {offset, data_at - offset, true});
    if ((offset = data_at) == end) break;
    const off_t hole = lseek(file_, static_cast<off_t>(offset), SEEK_HOLE);
    if (hole < 0) return BlockStore::extents(offset, end - offset, out);
    const std::uint64_t hole_at = std::min(end, static_cast<std::uint64_t>(hole));
    append(out, {offset, hole_at - offset, false});
    offset = hole_at;
  }
  return 0;
}

}  // namespace drydock
