#pragma once
// RecordingSeam: notes, in order, what reached a file, and passes it on. From the notes the file's content at any moment
// can be made again: that is how a power-cut test looks at every boundary of a run.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "devices/backing/file_seam.h"

namespace drydock {

class RecordingSeam : public FileSeam {
 public:
  enum class What { write, sync, allocate };
  struct Operation {
    What what;
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes{};  ///< write: the data
    std::uint64_t length = 0;
    int mode = 0;                   ///< allocate: the mode of fallocate()
  };

  ssize_t write(int file, const iovec* pieces, int count, off_t offset) override;
  int sync_data(int file) override;
  int allocate(int file, int mode, off_t offset, off_t length) override;

  const std::vector<Operation>& operations() const { return operations_; }
  std::size_t syncs() const { return syncs_; }
  std::size_t writes() const { return writes_; }
  /// Forgets the notes.
  void restart() { operations_.clear(), syncs_ = writes_ = 0; }
  /// Applies the first `count` operations to `image`, which holds the content before them.
  void replay(std::size_t count, std::span<std::byte> image) const;

 private:
  std::vector<Operation> operations_;
  std::size_t syncs_ = 0, writes_ = 0;
};

}  // namespace drydock
