// Power is cut at every flush boundary of a recorded run. DOC: ST-141

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/seeded.h"
#include "devices/backing/recording_seam.h"
#include "devices/test_file.h"
#include "machine/machine_for_tests.h"

namespace drydock {
namespace {

constexpr std::uint64_t kDiskSize = 1u << 20;
constexpr std::uint64_t kBlock = 512;

/// Writes, FUA writes and flushes of one client, and what the client was promised.
class RecordedRun {
 public:
  struct Boundary {
    std::size_t operations;         ///< at the file seam when the flush was acknowledged
    std::vector<std::byte> durable; ///< the whole disk as promised
  };

  explicit RecordedRun(std::uint64_t seed) : file_(kDiskSize), choose_(seed), content_(kDiskSize), machine_(started(options_for_tests(file_.path(), seed), seam_)) {
    seam_.restart();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const std::uint64_t what = choose_.below(10);
      if (what < 2) flush();
      else write(what < 4);
    }
    flush();
  }

  const std::vector<Boundary>& boundaries() const { return boundaries_; }
  const RecordingSeam& seam() const { return seam_; }

 private:
  void write(bool fua) {
    const std::uint64_t length = (1 + choose_.below(32)) * kBlock, offset = choose_.below((kDiskSize - length) / kBlock) * kBlock;
    const std::size_t syncs = seam_.syncs();
    std::vector<std::byte> bytes(length, std::byte{static_cast<unsigned char>(choose_.next())});
    ASSERT_EQ(machine_->disk().write(bytes, offset, fua), 0);
    std::memcpy(content_.data() + offset, bytes.data(), length);
    if (!fua) return;
    EXPECT_EQ(seam_.syncs(), syncs + 1) << "a FUA write is on the medium when it is acknowledged";
    std::vector<std::byte> image(kDiskSize);
    seam_.replay(seam_.operations().size(), image);
    EXPECT_EQ(std::memcmp(image.data() + offset, bytes.data(), length), 0);
  }
  void flush() {
    const std::size_t syncs = seam_.syncs();
    ASSERT_EQ(machine_->disk().flush(), 0);
    EXPECT_EQ(seam_.syncs(), syncs + 1) << "each flush is exactly one fdatasync";
    EXPECT_EQ(seam_.operations().back().what, RecordingSeam::What::sync) << "and it comes after the writes";
    boundaries_.push_back({seam_.operations().size(), content_});
  }

  TestFile file_;
  RecordingSeam seam_;
  Seeded choose_;
  std::vector<std::byte> content_;
  std::unique_ptr<Machine> machine_;
  std::vector<Boundary> boundaries_;
};

TEST(PowerCut, AtEveryFlushBoundaryTheFileHoldsWhatWasPromised) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    RecordedRun run(seed);
    run.run(200);
    ASSERT_GT(run.boundaries().size(), 20u);
    for (const auto& boundary : run.boundaries()) {
      std::vector<std::byte> image(kDiskSize);
      run.seam().replay(boundary.operations, image);
      EXPECT_TRUE(image == boundary.durable);
    }
  }
}

TEST(PowerCut, WhatWasNotFlushedIsLostAndTheDriverIsNotTold) {
  TestFile file(kDiskSize);
  std::vector<std::byte> kept(4096, std::byte{1}), lost(4096, std::byte{2});
  {
    auto machine = started(options_for_tests(file.path()));
    ASSERT_TRUE(machine);
    ASSERT_EQ(machine->disk().write(kept, 0), 0);
    ASSERT_EQ(machine->disk().flush(), 0);
    ASSERT_EQ(machine->disk().write(lost, 8192), 0);
    machine->cut_power();
  }
  auto machine = started(options_for_tests(file.path()));
  ASSERT_TRUE(machine);
  std::vector<std::byte> got(4096);
  ASSERT_EQ(machine->disk().read(got, 0), 0);
  EXPECT_EQ(got, kept);
  ASSERT_EQ(machine->disk().read(got, 8192), 0);
  EXPECT_NE(got, lost);
}

TEST(PowerCut, AnOrderlyStopKeepsEverything) {
  TestFile file(kDiskSize);
  std::vector<std::byte> kept(4096, std::byte{3}), got(4096);
  {
    auto machine = started(options_for_tests(file.path()));
    ASSERT_EQ(machine->disk().write(kept, 8192), 0);
    EXPECT_EQ(machine->stop().outcome, Outcome::clean);
  }
  auto machine = started(options_for_tests(file.path()));
  ASSERT_EQ(machine->disk().read(got, 8192), 0);
  EXPECT_EQ(got, kept);
}

}  // namespace
}  // namespace drydock
