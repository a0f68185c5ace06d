#include "kasan/shadow.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

struct ShadowTest : testing::Test {
  std::unique_ptr<PhysicalMemory> memory = std::move(*PhysicalMemory::create({16u << 20, PhysProfile::mixed, 1}));
  Shadow shadow{*memory};
  std::uint64_t base = memory->address(View::lent, 0);
};

TEST_F(ShadowTest, WhatNobodyMarkedIsSomebodys) {
  EXPECT_TRUE(shadow.allows(base, 16));
  EXPECT_TRUE(shadow.allows(base + memory->size() - 1, 1));
}

TEST_F(ShadowTest, EveryByteCountsAtEveryEnd) {
  constexpr std::uint64_t kStart = 4096, kPage = 4096;
  for (std::uint64_t bytes = 1; bytes <= 40; ++bytes) {
    shadow.invalid(kStart, kPage);
    shadow.valid(kStart + 64, bytes);
    for (std::uint64_t at = kStart; at < kStart + 160; ++at)
      for (const std::uint64_t size : {1u, 2u, 4u, 8u, 16u, 33u}) {
        const bool inside = at >= kStart + 64 && at + size <= kStart + 64 + bytes;
        ASSERT_EQ(shadow.allows(base + at, size), inside) << bytes << " bytes, " << size << " at " << at;
      }
  }
}

TEST_F(ShadowTest, OtherViewsAndOtherMemoryAreNotJudged) {
  shadow.invalid(0, memory->size());
  EXPECT_FALSE(shadow.allows(base, 1));
  EXPECT_TRUE(shadow.allows(memory->address(View::system, 0), 8));
  EXPECT_TRUE(shadow.allows(base - 1, 1));
  EXPECT_TRUE(shadow.allows(0, 8));
  EXPECT_TRUE(shadow.allows(~std::uint64_t{0}, 1));
}

}  // namespace
}  // namespace drydock
