#include "devices/backing/recording_seam.h"

#include <algorithm>
#include <cstring>

#include "devices/backing/pieces_cursor.h"

namespace drydock {

ssize_t RecordingSeam::write(int file, const iovec* pieces, int count, off_t offset) {
  const ssize_t done = FileSeam::write(file, pieces, count, offset);
  if (done > 0) {
    Operation& note = operations_.emplace_back(Operation{.what = What::write, .offset = static_cast<std::uint64_t>(offset)});
    note.length = static_cast<std::uint64_t>(done);
    note.bytes.resize(note.length);
    PiecesCursor(Pieces(pieces, static_cast<std::size_t>(count))).copy_in(note.bytes.data(), note.length);
    ++writes_;
  }
  return done;
}

int RecordingSeam::sync_data(int file) {
  operations_.push_back({.what = What::sync});
  ++syncs_;
  return FileSeam::sync_data(file);
}

int RecordingSeam::allocate(int file, int mode, off_t offset, off_t length) {
  const int result = FileSeam::allocate(file, mode, offset, length);
  if (result == 0)
    operations_.push_back({.what = What::allocate,
                           .offset = static_cast<std::uint64_t>(offset),
                           .length = static_cast<std::uint64_t>(length),
                           .mode = mode});
  return result;
}

void RecordingSeam::replay(std::size_t count, std::span<std::byte> image) const {
  for (std::size_t i = 0; i < std::min(count, operations_.size()); ++i) {
    const Operation& note = operations_[i];
    std::byte* at = image.data() + note.offset;
    if (note.what == What::write) std::memcpy(at, note.bytes.data(), note.length);
    if (note.what == What::allocate) std::memset(at, 0, note.length);  // a hole and a zero range read alike
  }
}

}  // namespace drydock
