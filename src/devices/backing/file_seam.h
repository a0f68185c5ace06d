#pragma once
// FileSeam: the system calls of a FileStore, and nothing else. Tests and faults put themselves in here: they count,
// record, shorten or refuse. Each returns what the system call returns and leaves errno.

#include <sys/types.h>
#include <sys/uio.h>

namespace drydock {

class FileSeam {
 public:
  virtual ~FileSeam() = default;
  virtual ssize_t read(int file, const iovec* pieces, int count, off_t offset);
  virtual ssize_t write(int file, const iovec* pieces, int count, off_t offset);
  virtual int sync_data(int file);
  /// fallocate() with FALLOC_FL_PUNCH_HOLE or FALLOC_FL_ZERO_RANGE.
  virtual int allocate(int file, int mode, off_t offset, off_t length);
};

/// The system itself.
FileSeam& system_file_seam();

}  // namespace drydock
