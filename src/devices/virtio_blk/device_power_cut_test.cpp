// Power fails at every boundary of a recorded run: whatever a flush has acknowledged is in the file, each flush was one
// sync after its writes, and nothing is in the file that was never written.

#include <gtest/gtest.h>

#include <set>

#include "base/seeded.h"
#include "devices/backing/recording_seam.h"
#include "devices/test_file.h"
#include "devices/virtio_blk/test_driver.h"

namespace drydock::virtio_blk {
namespace {

struct Setup {
  std::uint64_t seed;
  const char* options;
};

class PowerCutTest : public testing::TestWithParam<Setup> {
 protected:
  static constexpr std::uint64_t kSectors = 128;
  using Values = std::vector<std::uint8_t>;  // one for every sector
  struct Boundary {
    std::size_t operations;   ///< of the file, when this was acknowledged
    Values durable;           ///< what must be there from then on
  };
};

TEST_P(PowerCutTest, AtEveryBoundaryTheFileHoldsAtLeastWhatWasFlushedAndOnlyWhatWasWritten) {
  TestFile file(kSectors * kSectorSize);
  RecordingSeam seam;
  TestBoard board({.device = std::string("virtio-blk") + GetParam().options, .disk = file.path(), .seed = GetParam().seed, .seam = &seam});
  TestDriver driver(board);
  driver.start();
  const bool cached = driver.has(kFlush);
  Buffer data(board, 16 * kSectorSize);
  Seeded random(GetParam().seed);
  Values now(kSectors);
  std::vector<std::vector<std::pair<std::size_t, std::uint8_t>>> written(kSectors);  // (operations so far, value)
  std::vector<Boundary> boundaries{{0, now}};
  for (unsigned step = 1; step <= 120; ++step) {
    const std::uint64_t first = random.below(kSectors - 16), count = 1 + random.below(16);
    const std::size_t syncs = seam.syncs(), before = seam.operations().size();
    if (random.below(6) == 0) {
      ASSERT_EQ(driver.flush(), Status::ok);
      ASSERT_EQ(seam.syncs(), syncs + 1);
      ASSERT_EQ(seam.operations().back().what, RecordingSeam::What::sync);
      boundaries.push_back({seam.operations().size(), now});
      continue;
    }
    const auto value = static_cast<std::uint8_t>(step);
    std::memset(data.host(), value, data.run().bytes());
    for (std::uint64_t s = first; s < first + count; ++s) now[s] = value, written[s].emplace_back(before, value);
    ASSERT_EQ(driver.out(first, data, 0, count * kSectorSize), Status::ok);
    ASSERT_EQ(seam.syncs(), syncs + (cached ? 0 : 1));
    if (!cached) boundaries.push_back({seam.operations().size(), now});
  }
  ASSERT_GT(boundaries.size(), 10u);
  board.disk().cut_power();

  for (std::size_t cut = 0; cut <= seam.operations().size(); ++cut) {
    std::vector<std::byte> image(kSectors * kSectorSize);
    seam.replay(cut, image);
    const auto last = std::find_if(boundaries.rbegin(), boundaries.rend(), [&](const Boundary& b) { return b.operations <= cut; });
    for (std::uint64_t s = 0; s < kSectors; ++s) {
      const auto found = static_cast<std::uint8_t>(image[s * kSectorSize + 5]);
      if (found == last->durable[s]) continue;
      const bool newer = std::any_of(written[s].begin(), written[s].end(), [&](const auto& w) {
        return w.second == found && w.first < cut && found > last->durable[s];
      });
      ASSERT_TRUE(newer) << "cut after operation " << cut << ", sector " << s << " holds " << int{found} << ", flushed was "
                         << int{last->durable[s]};
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Setups, PowerCutTest,
                         testing::Values(Setup{1, ""}, Setup{77, ""}, Setup{1, ",cache=none"}, Setup{77, ",indirect=off,blk_size=4096"}));

}  // namespace
}  // namespace drydock::virtio_blk
