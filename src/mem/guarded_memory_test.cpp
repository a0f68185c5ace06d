#include "mem/guarded_memory.h"

#include <gtest/gtest.h>

#include <set>

#include "mem/pool.h"

namespace drydock {
namespace {

struct Stacks final : StackTaker {
  std::vector<std::uint64_t> stack_at(const CodePlace& place) override { return {place.rip}; }
};

/// Which bytes of the file somebody said belong to nobody.
struct Marks final : ByteMarks {
  std::set<std::uint64_t> nobodys;
  void valid(std::uint64_t offset, std::uint64_t bytes) override {
    for (std::uint64_t i = 0; i < bytes; ++i) nobodys.erase(offset + i);
  }
  void invalid(std::uint64_t offset, std::uint64_t bytes) override {
    for (std::uint64_t i = 0; i < bytes; ++i) nobodys.insert(offset + i);
  }
};

struct GuardedMemoryTest : testing::Test {
  std::unique_ptr<PhysicalMemory> memory = std::move(*PhysicalMemory::create({16u << 20, PhysProfile::mixed, 1}));
  Stacks stacks;
  Marks marks;
  std::optional<GuardedMemory> guarded{std::in_place, *memory, stacks, &marks};

  std::optional<Trespass::Kind> judged(std::uint64_t address, std::uint64_t bytes) const {
    const auto trespass = guarded->judge(address, bytes);
    return trespass ? std::optional(trespass->kind) : std::nullopt;
  }
};

TEST_F(GuardedMemoryTest, ASmallObjectEndsWithItsPageAndALargeOneBeginsOnOne) {
  EXPECT_EQ((guarded->allocate("a", 48, 0, {})->end()) & kPageMask, 0u);
  EXPECT_EQ(guarded->allocate("a", 40, 0, {})->address % 16, 0u);
  EXPECT_EQ(guarded->allocate("a", kPageSize, 0, {})->address & kPageMask, 0u);
  EXPECT_EQ(guarded->allocate("a", 2 * kPageSize + 1, 0, {})->address & kPageMask, 0u);
}

TEST_F(GuardedMemoryTest, JudgesEveryByteBesideAnObject) {
  const GuardedObject& object = *guarded->allocate("a", 40, 0, {.rip = 0x11});
  for (std::uint64_t at = object.address - 20; at < object.end() + 20; ++at)
    for (const std::uint64_t bytes : {1u, 4u, 16u}) {
      const auto kind = judged(at, bytes);
      if (at < object.address) ASSERT_EQ(kind, Trespass::Kind::before) << at - object.address;
      else if (at + bytes > object.end()) ASSERT_EQ(kind, Trespass::Kind::behind) << at - object.address;
      else ASSERT_EQ(kind, std::nullopt) << at - object.address;
    }
  EXPECT_EQ(marks.nobodys.size(), 3 * kPageSize - 40);
}

TEST_F(GuardedMemoryTest, AFreedObjectRemembersItsLife) {
  const std::uint64_t address = guarded->allocate("a", 40, 7, {.rip = 0x11})->address;
  EXPECT_EQ(guarded->free(address + 16, {}), nullptr);
  const GuardedObject* freed = guarded->free(address, {.rip = 0x22});
  ASSERT_NE(freed, nullptr);
  EXPECT_FALSE(freed->overrun);
  EXPECT_EQ(judged(address + 8, 8), Trespass::Kind::freed);
  EXPECT_TRUE(guarded->faults(address, 1));
  const auto history = history_of(*freed);
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].stack, std::vector<std::uint64_t>{0x11});
  EXPECT_EQ(history[1].stack, std::vector<std::uint64_t>{0x22});
  EXPECT_EQ(guarded->free(address, {}), nullptr) << "twice";
}

TEST_F(GuardedMemoryTest, ChangedBytesBesideItAreSeenWhenItIsFreed) {
  for (const int at : {-1, 40, 47}) {
    const std::uint64_t address = guarded->allocate("a", 40, 0, {})->address;
    *memory->alias(reinterpret_cast<char*>(address) + at) = 1;
    EXPECT_TRUE(guarded->free(address, {})->overrun) << at;
  }
}

TEST_F(GuardedMemoryTest, FreedMemoryComesBackInTheEndAndNothingLeaks) {
  for (std::size_t i = 0; i < 3 * GuardedMemory::kFreedMax; ++i) {
    const GuardedObject* object = guarded->allocate("a", 100, 0, {});
    ASSERT_NE(object, nullptr) << i;
    ASSERT_NE(guarded->free(object->address, {}), nullptr);
  }
  EXPECT_EQ(memory->pages_used(), 3 * GuardedMemory::kFreedMax);
  guarded.reset();
  EXPECT_EQ(memory->pages_used(), 0u);
  EXPECT_TRUE(marks.nobodys.empty());
}

TEST_F(GuardedMemoryTest, ContiguousMemoryObeysItsLimits) {
  const GuardedObject* object = guarded->allocate_contiguous("a", 3 * kPageSize, {.highest = 0xFFFF'FFFF}, true, {});
  ASSERT_NE(object, nullptr);
  const std::uint64_t first = memory->physical(object->address)->value;
  EXPECT_EQ(memory->physical(object->address + 2 * kPageSize)->value, first + 2 * kPageSize);
  EXPECT_LE(first, 0xFFFF'FFFFu);
  const GuardedObject* bounded = guarded->allocate_contiguous("b", kPageSize, {.boundary = kPageSize}, true, {});
  ASSERT_NE(bounded, nullptr) << "a closed page beside it would cross the boundary";
}

TEST_F(GuardedMemoryTest, PoolOfADriverLiesInItAndPoolOfDrydockDoesNot) {
  {
    Pool pool(*memory, true);
    pool.guard_with(&*guarded);
    void* drivers = pool.allocate(100, PoolKind::nonpaged, 1, {.rip = 0x11});
    void* ours = pool.allocate(100, PoolKind::nonpaged, 1);
    EXPECT_EQ(memory->find(drivers)->view, View::lent);
    EXPECT_EQ(memory->find(ours)->view, View::system);
    EXPECT_EQ(pool.find(reinterpret_cast<std::uint64_t>(drivers) + 50)->bytes, 100u);
    EXPECT_EQ(pool.live_blocks(), 2u);
    EXPECT_TRUE(pool.free(drivers));
    EXPECT_EQ(pool.free(drivers).error(), PoolFault::freed_twice);
    EXPECT_TRUE(pool.free(ours));
    EXPECT_EQ(pool.live_bytes(), 0u);
  }
  guarded.reset();
  EXPECT_EQ(memory->pages_used(), 0u);
}

}  // namespace
}  // namespace drydock
