#pragma once
// FileStore: a disk in a regular file or a block device of the host. It holds a lock on the file while it lives: two
// machines cannot write one file, nor one write what another reads.

#include <memory>
#include <string>

#include "base/result.h"
#include "devices/backing/block_store.h"
#include "devices/backing/file_seam.h"

namespace drydock {

class FileStore final : public BlockStore {
 public:
  /// `seam` outlives the store.
  static Result<std::unique_ptr<FileStore>> open(const std::string& path, bool read_only,
                                                 FileSeam& seam = system_file_seam());
  ~FileStore() override;

  int read(std::uint64_t offset, Pieces to) override;
  int write(std::uint64_t offset, Pieces from) override;
  int flush() override;
  int discard(std::uint64_t offset, std::uint64_t length) override;
  int write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) override;
  int extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) override;

 private:
  using Transfer = ssize_t (FileSeam::*)(int, const iovec*, int, off_t);
  FileStore(int file, std::uint64_t size, bool read_only, FileSeam& seam)
      : BlockStore(size, read_only), file_(file), seam_(seam) {}
  int transfer(Transfer call, std::uint64_t offset, Pieces pieces);
  int write_zero_bytes(std::uint64_t offset, std::uint64_t length);

  int file_;
  FileSeam& seam_;
};

}  // namespace drydock
