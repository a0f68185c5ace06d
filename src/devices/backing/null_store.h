#pragma once
// NullStore: no disk at all: every request succeeds and no byte moves. It shows what everything but the disk costs.

#include "devices/backing/block_store.h"

namespace drydock {

class NullStore final : public BlockStore {
 public:
  NullStore(std::uint64_t size, bool read_only) : BlockStore(size, read_only) {}
  bool moves_data() const override { return false; }
  int read(std::uint64_t, Pieces) override { return 0; }
  int write(std::uint64_t, Pieces) override { return 0; }
  int flush() override { return 0; }
  int discard(std::uint64_t, std::uint64_t) override { return 0; }
  int write_zeroes(std::uint64_t, std::uint64_t, bool) override { return 0; }
};

}  // namespace drydock
