#include "mem/pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "base/seeded.h"

namespace drydock {
namespace {

constexpr std::uint32_t kTag = 0x31676154;

struct PoolTest : testing::Test {
  std::unique_ptr<PhysicalMemory> memory = *PhysicalMemory::create({32u << 20, PhysProfile::mixed, 1});
  Pool pool{*memory, true};

  std::uint64_t take(std::uint64_t bytes) {
    return reinterpret_cast<std::uint64_t>(pool.allocate(bytes, PoolKind::nonpaged, kTag));
  }
  PoolFault fault(std::uint64_t address) { return pool.free(address).error(); }
};

TEST_F(PoolTest, BlocksAreAlignedDoNotCrossAPageAndDoNotOverlap) {
  std::map<std::uint64_t, std::uint64_t> blocks;
  for (std::uint64_t bytes = 1; bytes <= 9000; bytes += bytes < 300 ? 1 : 37) {
    const std::uint64_t at = take(bytes);
    ASSERT_NE(at, 0u);
    ASSERT_EQ(at % 16, 0u);
    if (bytes < kPageSize) { ASSERT_EQ(at >> kPageShift, (at + bytes - 1) >> kPageShift) << bytes; }
    if (bytes >= kPageSize) { ASSERT_EQ(at % kPageSize, 0u); }
    std::memset(reinterpret_cast<void*>(at), 1, bytes);
    blocks[at] = bytes;
  }
  std::uint64_t end = 0;
  for (const auto& [at, bytes] : blocks) {
    ASSERT_GE(at, end);
    end = at + bytes;
  }
}

TEST_F(PoolTest, RandomUseKeepsEveryBlocksContentsAndEndsWithNothingLive) {
  Seeded choose(4);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> live;
  for (int i = 0; i < 20'000; ++i) {
    if (live.size() < 200 && choose.below(2) == 0) {
      const std::uint64_t bytes = 1 + choose.below(choose.below(10) == 0 ? 20'000 : 500);
      const std::uint64_t at = take(bytes);
      ASSERT_NE(at, 0u);
      std::memset(reinterpret_cast<void*>(at), static_cast<int>(at >> 4), bytes);
      live.emplace_back(at, bytes);
    } else if (!live.empty()) {
      const std::size_t which = choose.below(live.size());
      const auto [at, bytes] = live[which];
      for (std::uint64_t b = 0; b < bytes; ++b) ASSERT_EQ(reinterpret_cast<unsigned char*>(at)[b], static_cast<unsigned char>(at >> 4));
      const auto freed = pool.free(at);
      ASSERT_TRUE(freed);
      ASSERT_EQ(freed->block.bytes, bytes);
      ASSERT_FALSE(freed->overrun);
      live[which] = live.back();
      live.pop_back();
    }
  }
  EXPECT_EQ(pool.live_blocks(), live.size());
  for (const auto& [at, bytes] : live) ASSERT_TRUE(pool.free(at));
  EXPECT_EQ(pool.live_blocks(), 0u);
  EXPECT_EQ(pool.live_bytes(), 0u);
}

TEST_F(PoolTest, WrongFreesAreToldApartAndChangeNothing) {
  for (const std::uint64_t bytes : {std::uint64_t{40}, 3 * kPageSize}) {
    const std::uint64_t at = take(bytes);
    EXPECT_EQ(fault(at + 16), PoolFault::inside_block);
    EXPECT_EQ(fault(at + bytes - 1), PoolFault::inside_block);
    EXPECT_EQ(pool.live_blocks(), 1u);
    EXPECT_TRUE(pool.free(at));
    EXPECT_EQ(fault(at), PoolFault::freed_twice);
  }
  EXPECT_EQ(fault(0), PoolFault::not_a_block);
  EXPECT_EQ(fault(reinterpret_cast<std::uint64_t>(&pool)), PoolFault::not_a_block);
  const auto foreign = memory->allocate(1);
  EXPECT_EQ(fault(memory->address(View::system, foreign->first)), PoolFault::not_a_block);
  void* user_view = memory->in_view(View::user, pool.allocate(40, PoolKind::nonpaged, kTag));
  EXPECT_EQ(pool.free(user_view).error(), PoolFault::not_a_block);
}

TEST_F(PoolTest, AWriteBehindTheBlockIsSeenWhenItIsFreed) {
  auto* small = static_cast<char*>(pool.allocate(40, PoolKind::nonpaged, kTag));
  small[40] = 0;
  EXPECT_TRUE(pool.free(small)->overrun);
  auto* large = static_cast<char*>(pool.allocate(5000, PoolKind::nonpaged, kTag));
  large[8191] = 0;
  EXPECT_TRUE(pool.free(large)->overrun);
}

TEST_F(PoolTest, NewAndFreedBlocksHoldTheirFill) {
  auto* block = static_cast<std::byte*>(pool.allocate(100, PoolKind::nonpaged, kTag));
  EXPECT_EQ(block[99], Pool::kFresh);
  EXPECT_TRUE(pool.free(block));
  EXPECT_EQ(block[0], Pool::kFreed);
}

TEST_F(PoolTest, ALeakReportNamesTagSizeAndPlaceInOrderOfAddress) {
  pool.allocate(40, PoolKind::paged, 0x11111111, {.rip = 0x1000});
  void* gone = pool.allocate(40, PoolKind::nonpaged, 0x22222222);
  pool.allocate(9000, PoolKind::nonpaged, 0x33333333, {.rip = 0x3000});
  EXPECT_TRUE(pool.free(gone));
  std::vector<PoolBlock> leaked;
  pool.for_each_live([&](const PoolBlock& block) { leaked.push_back(block); });
  ASSERT_EQ(leaked.size(), 2u);
  EXPECT_LT(leaked[0].address, leaked[1].address);
  const PoolBlock& large = leaked[0].bytes == 9000 ? leaked[0] : leaked[1];
  const PoolBlock& small = leaked[0].bytes == 9000 ? leaked[1] : leaked[0];
  EXPECT_EQ(small.tag, 0x11111111u);
  EXPECT_EQ(small.kind, PoolKind::paged);
  EXPECT_EQ(small.place.rip, 0x1000u);
  EXPECT_EQ(large.place.rip, 0x3000u);
}

TEST_F(PoolTest, ABlockIsFoundByAnyAddressInsideIt) {
  const std::uint64_t small = take(40), large = take(9000);
  EXPECT_EQ(pool.find(small + 39)->address, small);
  EXPECT_EQ(pool.find(large + 8999)->address, large);
  EXPECT_TRUE(pool.free(small));
  EXPECT_FALSE(pool.find(small));
}

TEST_F(PoolTest, EqualCallsGiveEqualAddresses) {
  auto other_memory = *PhysicalMemory::create({32u << 20, PhysProfile::mixed, 1});
  Pool other(*other_memory, false);
  for (const std::uint64_t bytes : {10u, 5000u, 16u, 700u, 10u}) {
    const auto in = reinterpret_cast<std::uint64_t>(other.allocate(bytes, PoolKind::nonpaged, kTag));
    EXPECT_EQ(take(bytes) - memory->slot(), in - other_memory->slot());
  }
}

TEST_F(PoolTest, ExhaustionIsANullPointerAndEverythingGoesBackAtTheEnd) {
  {
    Pool greedy(*memory, false);
    while (greedy.allocate(1u << 20, PoolKind::nonpaged, kTag) != nullptr) {}
    EXPECT_EQ(greedy.allocate(Pool::kBytesMax + 1, PoolKind::nonpaged, kTag), nullptr);
    EXPECT_GT(memory->pages_used(), 1000u);
  }
  EXPECT_EQ(memory->pages_used(), 0u);
}

TEST(PoolReuse, AWriteAfterTheEndIsSeenWhenTheRoomIsGivenOutAgain) {
  auto memory = std::move(*PhysicalMemory::create({16u << 20, PhysProfile::mixed, 1}));
  Pool pool(*memory, true);
  auto* block = static_cast<char*>(pool.allocate(40, PoolKind::nonpaged, 7, {.rip = 0x11}));
  ASSERT_TRUE(pool.free(block));
  EXPECT_EQ(pool.allocate(40, PoolKind::nonpaged, 7), block);
  EXPECT_FALSE(pool.take_spoiled());
  ASSERT_TRUE(pool.free(block));
  block[39] = 0;
  EXPECT_EQ(pool.allocate(40, PoolKind::nonpaged, 7), block);
  const auto spoiled = pool.take_spoiled();
  ASSERT_TRUE(spoiled);
  EXPECT_EQ(spoiled->bytes, 40u);
  EXPECT_FALSE(pool.take_spoiled()) << "told once";
  ASSERT_TRUE(pool.free(block));
}

}  // namespace
}  // namespace drydock
