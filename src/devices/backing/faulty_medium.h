#pragma once
// FaultyMedium: a disk some of whose transfers fail with an error of the medium, as a FaultPlan says. A transfer that fails
// has moved nothing.

#include <cerrno>

#include "devices/backing/block_store.h"
#include "fault/fault_plan.h"

namespace drydock {

class FaultyMedium final : public BlockStore {
 public:
  /// Both outlive it.
  FaultyMedium(BlockStore& disk, FaultPlan& plan) : BlockStore(disk.size(), disk.read_only()), disk_(disk), plan_(plan) {}

  bool moves_data() const override { return disk_.moves_data(); }
  int read(std::uint64_t offset, Pieces to) override { return fails() ? EIO : disk_.read(offset, to); }
  int write(std::uint64_t offset, Pieces from) override { return fails() ? EIO : disk_.write(offset, from); }
  int write_durably(std::uint64_t offset, Pieces from) override { return fails() ? EIO : disk_.write_durably(offset, from); }
  int flush() override { return disk_.flush(); }
  int discard(std::uint64_t offset, std::uint64_t length) override { return disk_.discard(offset, length); }
  int write_zeroes(std::uint64_t offset, std::uint64_t length, bool may_unmap) override {
    return fails() ? EIO : disk_.write_zeroes(offset, length, may_unmap);
  }
  int extents(std::uint64_t offset, std::uint64_t length, std::vector<StoreExtent>& out) override { return disk_.extents(offset, length, out); }

 private:
  bool fails() { return plan_.strikes(FaultPoint::medium_error); }
  BlockStore& disk_;
  FaultPlan& plan_;
};

}  // namespace drydock
