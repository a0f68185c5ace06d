#include "mem/physical_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace drydock {
namespace {

std::unique_ptr<PhysicalMemory> make(PhysProfile profile, std::uint64_t seed = 1, std::uint64_t size = 64u << 20) {
  auto memory = PhysicalMemory::create({size, profile, seed});
  EXPECT_TRUE(memory) << memory.error().message;
  return std::move(*memory);
}

TEST(PhysicalMemory, EveryPfnNamesExactlyOnePageAndBack) {
  for (const auto profile : {PhysProfile::mixed, PhysProfile::low, PhysProfile::high, PhysProfile::contiguous, PhysProfile::literal}) {
    auto memory = make(profile);
    std::set<std::uint64_t> seen;
    for (std::uint32_t page = 0; page < memory->size() / kPageSize; ++page) {
      EXPECT_TRUE(seen.insert(memory->pfn(page)).second);
      ASSERT_EQ(memory->page_of_pfn(memory->pfn(page)), page);
    }
    EXPECT_EQ(*seen.rbegin(), memory->highest_pfn());
  }
}

TEST(PhysicalMemory, ProfilesPlaceOrdinaryPagesWhereTheyPromise) {
  const auto above_4g = [](PhysicalMemory& memory) {
    unsigned high = 0;
    const auto run = memory.allocate(1000);
    for (std::uint32_t i = 0; i < run->count; ++i) high += memory.pfn(run->first + i) >= 0x100000;
    return high;
  };
  EXPECT_EQ(above_4g(*make(PhysProfile::low)), 0u);
  EXPECT_EQ(above_4g(*make(PhysProfile::high)), 1000u);
  const unsigned mixed = above_4g(*make(PhysProfile::mixed));
  EXPECT_GT(mixed, 300u);
  EXPECT_LT(mixed, 700u);
}

TEST(PhysicalMemory, AnOrdinaryBufferIsFragmentedAndAContiguousOneIsNot) {
  auto memory = make(PhysProfile::mixed);
  const auto run = memory->allocate(64);
  unsigned breaks = 0;
  for (std::uint32_t i = 1; i < run->count; ++i) breaks += memory->pfn(run->first + i) != memory->pfn(run->first + i - 1) + 1;
  EXPECT_GT(breaks, 5u);
  const auto whole = memory->allocate_contiguous(64, {.highest = 0xFFFFFFFF, .alignment = 0x10000});
  ASSERT_TRUE(whole);
  EXPECT_EQ(memory->pfn(whole->first) % 16, 0u);
  for (std::uint32_t i = 1; i < whole->count; ++i) EXPECT_EQ(memory->pfn(whole->first + i), memory->pfn(whole->first) + i);
  EXPECT_LT(memory->pfn(whole->first), 0x100000u);
}

TEST(PhysicalMemory, ABoundaryIsNeverCrossed) {
  auto memory = make(PhysProfile::mixed);
  for (int i = 0; i < 20; ++i) {
    const auto run = memory->allocate_contiguous(9, {.highest = 0xFFFFFF, .boundary = 0x10000});
    ASSERT_TRUE(run);
    const std::uint64_t first = memory->pfn(run->first) << kPageShift;
    EXPECT_EQ(first >> 16, (first + run->bytes() - 1) >> 16);
    EXPECT_LT(first + run->bytes(), 0x1000000u);
  }
}

TEST(PhysicalMemory, AllViewsShowTheSameBytes) {
  auto memory = make(PhysProfile::mixed);
  const auto run = memory->allocate(1);
  auto* user = reinterpret_cast<char*>(memory->address(View::user, run->first));
  std::strcpy(user, "same");
  EXPECT_STREQ(memory->in_view(View::system, user), "same");
  EXPECT_STREQ(memory->in_view(View::lent, user), "same");
  EXPECT_STREQ(memory->alias(memory->in_view(View::forbidden, user)), "same");
  const auto physical = memory->physical(reinterpret_cast<std::uint64_t>(user) + 2);
  EXPECT_EQ(*reinterpret_cast<char*>(memory->host(*physical)), 'm');
}

TEST(PhysicalMemory, EveryPageSaidToBeConsecutiveIs) {
  for (const auto profile : {PhysProfile::mixed, PhysProfile::low, PhysProfile::contiguous, PhysProfile::literal}) {
    auto memory = make(profile);
    const auto last = static_cast<std::uint32_t>(memory->size() / kPageSize) - 1;
    for (std::uint32_t page = 0; page <= last; page += 61) {
      const std::uint32_t pages = memory->consecutive_pages(page);
      ASSERT_GE(pages, 1u);
      ASSERT_LE(page + pages - 1, last);
      ASSERT_EQ(memory->pfn(page + pages - 1), memory->pfn(page) + pages - 1);
      for (std::uint32_t i = 1; i < pages; i += 17) ASSERT_EQ(memory->pfn(page + i), memory->pfn(page) + i);
    }
  }
}

TEST(PhysicalMemory, AContiguousRunIsConsecutiveToItsEnd) {
  auto memory = make(PhysProfile::mixed);
  const auto run = memory->allocate_contiguous(64, {.highest = 0xFFFFFFFF, .alignment = 0x10000});
  ASSERT_TRUE(run);
  EXPECT_GE(memory->consecutive_pages(run->first), 64u);
}

TEST(PhysicalMemory, TwoMemoriesTakeTwoSlotsAndGiveThemBack) {
  std::uint64_t first = 0;
  {
    auto a = make(PhysProfile::mixed);
    auto b = make(PhysProfile::mixed);
    first = a->slot();
    EXPECT_NE(a->slot(), b->slot());
  }
  EXPECT_EQ(make(PhysProfile::mixed)->slot(), first);
}

TEST(PhysicalMemory, FreedPagesAreCountedAndCanBeHadAgain) {
  auto memory = make(PhysProfile::mixed, 1, 16u << 20);
  std::vector<PageRun> runs;
  while (const auto run = memory->allocate(7)) runs.push_back(*run);
  EXPECT_GT(runs.size(), 300u);
  for (const PageRun& run : runs) memory->free(run);
  EXPECT_EQ(memory->pages_used(), 0u);
  EXPECT_TRUE(memory->allocate(1000));
}

TEST(PhysicalMemory, SameSeedSameNamesOtherSeedOtherNames) {
  auto a = make(PhysProfile::mixed, 5), b = make(PhysProfile::mixed, 5), c = make(PhysProfile::mixed, 6);
  unsigned differ = 0;
  for (std::uint32_t page = 0; page < 16384; ++page) {
    ASSERT_EQ(a->pfn(page), b->pfn(page));
    differ += a->pfn(page) != c->pfn(page);
  }
  EXPECT_GT(differ, 5000u);
}

TEST(PhysicalMemory, AbsurdSizesAreRefusedInOneLine) {
  EXPECT_FALSE(PhysicalMemory::create({1u << 20, PhysProfile::mixed, 1}));
  EXPECT_FALSE(PhysicalMemory::create({std::uint64_t{1} << 50, PhysProfile::mixed, 1}));
}

}  // namespace
}  // namespace drydock
