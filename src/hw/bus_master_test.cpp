#include "hw/bus_master.h"

#include <gtest/gtest.h>

#include <numeric>

namespace drydock {
namespace {

struct Refusals : TraceObserver {
  void observe(const TraceEvent& event) override {
    if (const auto* refused = std::get_if<DmaRefused>(&event)) seen.push_back(*refused);
  }
  virtual ~Refusals() = default;
  std::vector<DmaRefused> seen;
};

class BusMasterTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  BusMasterTest() {
    auto made = PhysicalMemory::create({.size = 32u << 20, .profile = PhysProfile::mixed, .seed = GetParam()});
    EXPECT_TRUE(made);
    memory = std::move(*made);
    window.emplace(memory->size() / kPageSize);
    trace.add(refusals, false);
  }
  LogicalAddress logical(std::uint32_t page, std::uint32_t offset = 0) const {
    return {(memory->pfn(page) << kPageShift) + offset};
  }
  std::unique_ptr<PhysicalMemory> memory;
  std::optional<DmaWindow> window;
  Trace trace;
  Refusals refusals;
};

TEST_P(BusMasterTest, ACopyFollowsThePhysicalPagesNotTheOrderOfTheFile) {
  BusMaster master(*memory, *window, trace, false);
  const auto run = memory->allocate_contiguous(3, {});
  std::vector<std::byte> sent(2 * kPageSize), back(sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::byte>(i * 7 + i / 256);
  ASSERT_TRUE(master.write(logical(run->first, 100), sent));
  EXPECT_EQ(std::memcmp(memory->system(run->first) + 100, sent.data(), sent.size()), 0);
  ASSERT_TRUE(master.read(logical(run->first, 100), back));
  EXPECT_EQ(back, sent);
}

TEST_P(BusMasterTest, AnAddressThatIsNoMemoryIsRefusedAndReported) {
  BusMaster master(*memory, *window, trace, false);
  std::uint32_t value = 5;
  EXPECT_FALSE(master.load(LogicalAddress{0xC000'0000}, value));
  EXPECT_FALSE(master.store(LogicalAddress{~std::uint64_t{0} - 1}, value));
  EXPECT_EQ(master.refused(), 2u);
  ASSERT_EQ(refusals.seen.size(), 2u);
  EXPECT_EQ(refusals.seen[0].logical, 0xC000'0000u);
  EXPECT_TRUE(refusals.seen[0].to_device);
  EXPECT_FALSE(refusals.seen[1].to_device);
}

TEST_P(BusMasterTest, OnlyAnOpenPageInTheRightDirectionIsReachedWhenEnforced) {
  BusMaster master(*memory, *window, trace, true);
  const auto run = memory->allocate(1);
  std::uint32_t value = 5;
  EXPECT_FALSE(master.load(logical(run->first), value));
  window->open(run->first, DmaDirection::to_device);
  EXPECT_TRUE(master.load(logical(run->first), value));
  EXPECT_FALSE(master.store(logical(run->first), value));
  window->open(run->first, DmaDirection::both);  // a second mapping of the same page
  EXPECT_TRUE(master.store(logical(run->first), value));
  window->close(run->first, DmaDirection::both);
  EXPECT_FALSE(master.store(logical(run->first), value));
  EXPECT_TRUE(master.load(logical(run->first), value));
  EXPECT_EQ(refusals.seen.size(), 3u);
}

TEST_P(BusMasterTest, ReachNeverCrossesAPage) {
  BusMaster master(*memory, *window, trace, false);
  const auto run = memory->allocate(2);
  EXPECT_NE(master.reach(logical(run->first, 4092), 4, DmaDirection::to_device), nullptr);
  EXPECT_EQ(master.reach(logical(run->first, 4092), 5, DmaDirection::to_device), nullptr);
  EXPECT_EQ(master.reach(logical(run->first, 1), ~0u, DmaDirection::to_device), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BusMasterTest, testing::Values(1, 77));

}  // namespace
}  // namespace drydock
