#include "devices/backing/file_seam.h"

#include <fcntl.h>
#include <unistd.h>

namespace drydock {

ssize_t FileSeam::read(int file, const iovec* pieces, int count, off_t offset) {
  return preadv(file, pieces, count, offset);
}

ssize_t FileSeam::write(int file, const iovec* pieces, int count, off_t offset) {
  return pwritev(file, pieces, count, offset);
}

int FileSeam::sync_data(int file) { return fdatasync(file); }

int FileSeam::allocate(int file, int mode, off_t offset, off_t length) { return fallocate(file, mode, offset, length); }

FileSeam& system_file_seam() {
  static FileSeam seam;  // no state
  return seam;
}

}  // namespace drydock
