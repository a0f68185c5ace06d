#pragma once
// PiecesCursor: walks the pieces of a request from front to back, copying as it goes.

#include <algorithm>
#include <cstring>

#include "devices/backing/block_store.h"

namespace drydock {

class PiecesCursor {
 public:
  explicit PiecesCursor(Pieces pieces) : pieces_(pieces) {}

  void copy_in(std::byte* to, std::uint64_t length) {
    walk(length, [&to](const std::byte* piece, std::size_t part) {
      std::memcpy(to, piece, part);
      to += part;
    });
  }
  void copy_out(const std::byte* from, std::uint64_t length) {
    walk(length, [&from](std::byte* piece, std::size_t part) {
      std::memcpy(piece, from, part);
      from += part;
    });
  }
  void clear(std::uint64_t length) {
    walk(length, [](std::byte* piece, std::size_t part) { std::memset(piece, 0, part); });
  }
  void skip(std::uint64_t length) {
    walk(length, [](std::byte*, std::size_t) {});
  }

 private:
  template <class Act>
  void walk(std::uint64_t length, Act act) {
    while (length > 0) {
      const iovec& piece = pieces_.front();
      const std::size_t part = std::min<std::uint64_t>(length, piece.iov_len - inside_);
      act(static_cast<std::byte*>(piece.iov_base) + inside_, part);
      length -= part;
      inside_ += part;
      if (inside_ == piece.iov_len) pieces_ = pieces_.subspan(1), inside_ = 0;
    }
  }
  Pieces pieces_;
  std::size_t inside_ = 0;
};

}  // namespace drydock
