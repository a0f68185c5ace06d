#include "io/prepared_buffer.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

struct PreparedBufferTest : testing::Test {
  std::unique_ptr<PhysicalMemory> memory = *PhysicalMemory::create({.size = 16u << 20});
  LockedPages locked{memory->size() >> kPageShift};
  SystemMappings mappings{*memory};
  Pool pool{*memory, true};
  PageRun run = *memory->allocate(4);
};

TEST_F(PreparedBufferTest, PagesAreLockedExactlyFromPrepareToFinish) {  // BUF-40
  PreparedBuffer buffer(*memory, locked, mappings, pool, 3 * kPageSize);
  buffer.prepare(memory->address(View::user, run.first) + 100, 2 * kPageSize, true);
  EXPECT_EQ(locked.held(), 3u);
  const MdlView mdl(buffer.mdl());
  EXPECT_EQ(mdl.offset(), 100u);
  EXPECT_EQ(mdl.length(), 2 * kPageSize);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(mdl.pfns()[i], memory->pfn(run.first + i));
  buffer.finish();
  EXPECT_EQ(locked.held(), 0u);
}

TEST_F(PreparedBufferTest, ItIsUsedAgainAndGivesItsLocksBackWhenItGoes) {
  const std::uint64_t blocks = pool.live_blocks();
  {
    PreparedBuffer buffer(*memory, locked, mappings, pool, 4 * kPageSize);
    for (std::uint32_t pages = 1; pages <= 4; ++pages) {
      buffer.prepare(memory->address(View::user, run.first), static_cast<std::uint32_t>(pages * kPageSize), false);
      EXPECT_EQ(locked.held(), pages);
      if (pages != 4) buffer.finish();
    }
  }
  EXPECT_EQ(locked.held(), 0u);
  EXPECT_EQ(pool.live_blocks(), blocks);
}

TEST_F(PreparedBufferTest, WhatADriverWritesOverTheMdlDoesNotMatter) {
  PreparedBuffer buffer(*memory, locked, mappings, pool, 4 * kPageSize);
  buffer.prepare(memory->address(View::user, run.first), 3 * kPageSize, true);
  auto* pfns = reinterpret_cast<std::uint64_t*>(buffer.mdl() + 1);
  pfns[0] = 0xFFFF'FFFF, pfns[1] = pfns[2];
  buffer.mdl()->ByteCount = 1;
  buffer.mdl()->MdlFlags = 0;
  buffer.finish();
  EXPECT_EQ(locked.held(), 0u);
}

}  // namespace
}  // namespace drydock
