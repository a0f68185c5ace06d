#include "mem/address_space.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace drydock {
namespace {

constexpr std::uint64_t kPfn4GiB = 0x10'0000;

struct AddressSpaceTest : testing::Test {
  explicit AddressSpaceTest(PhysProfile profile = PhysProfile::mixed) : memory(*PhysicalMemory::create({32u << 20, profile, 7})) {}
  std::unique_ptr<AddressSpace> process(const char* name) { return std::move(*spaces.create(name)); }
  std::uint64_t pfn(std::uint64_t address) const { return memory->pfn(memory->find(address)->page()); }
  TouchVerdict touch(std::uint64_t address, std::uint64_t size, bool write, const AddressSpace* current, Irql irql = kPassiveLevel) const {
    return spaces.judge({address, size, write, current, irql}).verdict;
  }
  void lock(std::uint64_t address) { locked.lock(memory->find(address)->page()); }
  void unlock(std::uint64_t address) { locked.unlock(memory->find(address)->page()); }

  std::unique_ptr<PhysicalMemory> memory;
  LockedPages locked{memory->size() >> kPageShift};
  AddressSpaces spaces{*memory, locked};
};

TEST_F(AddressSpaceTest, ABufferBeginsWhereItIsWantedAndIsZeroed) {
  const auto client = process("client");
  const std::uint64_t at = *client->allocate(10'000, {.offset = 0x345});
  EXPECT_EQ(at & kPageMask, 0x345u);
  EXPECT_EQ(memory->find(at)->view, View::user);
  std::array<std::byte, 10'000> bytes{std::byte{1}};
  ASSERT_TRUE(client->read(at, bytes));
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{0}), 10'000);
  bytes[9'999] = std::byte{7};
  ASSERT_TRUE(client->write(at, bytes));
  EXPECT_EQ(*memory->alias(reinterpret_cast<std::byte*>(at + 9'999)), std::byte{7});
}

TEST_F(AddressSpaceTest, ScatteredPagesAreNeverNeighboursAndContiguousOnesAlwaysAre) {
  const auto client = process("client");
  const std::uint64_t scattered = *client->allocate(64 * kPageSize, {.runs = PhysicalRuns::scattered});
  const std::uint64_t contiguous = *client->allocate(64 * kPageSize, {.runs = PhysicalRuns::contiguous});
  for (std::uint64_t i = 1; i < 64; ++i) {
    EXPECT_NE(pfn(scattered + i * kPageSize), pfn(scattered + (i - 1) * kPageSize) + 1);
    EXPECT_EQ(pfn(contiguous + i * kPageSize), pfn(contiguous + (i - 1) * kPageSize) + 1);
  }
}

TEST_F(AddressSpaceTest, PagesLieAboveOrBelow4GiBAsWanted) {
  const auto client = process("client");
  for (const PhysicalRuns runs : {PhysicalRuns::as_it_comes, PhysicalRuns::contiguous, PhysicalRuns::scattered}) {
    const std::uint64_t above = *client->allocate(40 * kPageSize, {.runs = runs, .place = PhysicalPlace::above_4g});
    const std::uint64_t below = *client->allocate(40 * kPageSize, {.runs = runs, .place = PhysicalPlace::below_4g});
    for (std::uint64_t i = 0; i < 40; ++i) {
      EXPECT_GE(pfn(above + i * kPageSize), kPfn4GiB);
      EXPECT_LT(pfn(below + i * kPageSize), kPfn4GiB);
    }
  }
}

TEST_F(AddressSpaceTest, APageThatWasNamedAnewIsFoundByItsName) {
  const auto client = process("client");
  const std::uint64_t at = *client->allocate(64 * kPageSize, {.runs = PhysicalRuns::scattered, .place = PhysicalPlace::above_4g});
  for (std::uint64_t i = 0; i < 64; ++i)
    EXPECT_EQ(memory->page_of_pfn(pfn(at + i * kPageSize)), memory->find(at + i * kPageSize)->page());
}

TEST_F(AddressSpaceTest, WhatTheProfileDoesNotHaveIsRefusedInWords) {
  auto low = *PhysicalMemory::create({32u << 20, PhysProfile::low, 7});
  AddressSpaces own{*low, locked};
  const auto client = std::move(*own.create("client"));
  const auto refused = client->allocate(kPageSize, {.place = PhysicalPlace::above_4g});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "the machine has no 1 pages above 4 GiB left for a process");
  EXPECT_FALSE(client->allocate(std::uint64_t{1} << 40));
  EXPECT_FALSE(client->allocate(0));
  EXPECT_FALSE(client->allocate(64u << 20));
  EXPECT_TRUE(client->allocate(kPageSize));
}

TEST_F(AddressSpaceTest, AnAddressMeansNothingInAnotherProcess) {  // DOC: BUF-62
  const auto a = process("a"), b = process("b");
  const std::uint64_t at = *a->allocate(100);
  EXPECT_EQ(touch(at, 100, true, a.get()), TouchVerdict::ok);
  EXPECT_EQ(touch(at, 1, false, b.get()), TouchVerdict::other_process);
  EXPECT_EQ(touch(at, 1, false, nullptr), TouchVerdict::other_process);
  EXPECT_EQ(spaces.owner_at(at), a.get());
  EXPECT_EQ(spaces.judge({at, 1, false, b.get(), kPassiveLevel}).owner, a.get());
}

TEST_F(AddressSpaceTest, ProtectionIsByPageAndMayChange) {  // DOC: BUF-67
  const auto client = process("client");
  const std::uint64_t at = *client->allocate(3 * kPageSize);
  ASSERT_TRUE(client->protect(at + kPageSize, 1, PageAccess::read));
  EXPECT_EQ(touch(at, 3 * kPageSize, false, client.get()), TouchVerdict::ok);
  const auto judged = spaces.judge({at + 5, 3 * kPageSize - 5, true, client.get(), kPassiveLevel});
  EXPECT_EQ(judged.verdict, TouchVerdict::not_accessible);
  EXPECT_EQ(judged.address, at + kPageSize);
  EXPECT_FALSE(client->write(at + kPageSize - 1, std::array<std::byte, 2>{}));
  ASSERT_TRUE(client->protect(at, 3 * kPageSize, PageAccess::none));
  EXPECT_EQ(touch(at, 1, false, client.get()), TouchVerdict::not_accessible);
  ASSERT_TRUE(client->protect(at, 3 * kPageSize, PageAccess::read_write));
  EXPECT_EQ(touch(at, 3 * kPageSize, true, client.get()), TouchVerdict::ok);
  EXPECT_FALSE(client->protect(at + 3 * kPageSize, 1, PageAccess::read));
}

TEST_F(AddressSpaceTest, GuardPagesAreNobodysToTouch) {
  const auto client = process("client");
  const std::uint64_t at = *client->allocate(kPageSize, {.guarded = true});
  EXPECT_EQ(touch(at, kPageSize, true, client.get()), TouchVerdict::ok);
  EXPECT_EQ(touch(at - 1, 1, false, client.get()), TouchVerdict::not_accessible);
  EXPECT_EQ(touch(at, kPageSize + 1, false, client.get()), TouchVerdict::not_accessible);
}

TEST_F(AddressSpaceTest, ARangeThatLeavesTheViewOrTheAddressSpaceIsNotAccessible) {
  const auto client = process("client");
  const std::uint64_t end = memory->address(View::user, 0) + memory->size();
  EXPECT_EQ(touch(end - 1, 2, false, client.get()), TouchVerdict::not_accessible);
  const std::uint64_t at = *client->allocate(100);
  EXPECT_EQ(touch(at, ~std::uint64_t{0}, false, client.get()), TouchVerdict::not_accessible);
  EXPECT_EQ(touch(at, 0, false, client.get()), TouchVerdict::ok);
}

TEST_F(AddressSpaceTest, AtDispatchLevelAPageMustBeLocked) {
  const auto client = process("client");
  const std::uint64_t at = *client->allocate(2 * kPageSize);
  EXPECT_EQ(touch(at, 1, false, client.get(), kDispatchLevel), TouchVerdict::not_locked);
  lock(at);
  EXPECT_EQ(touch(at, 1, false, client.get(), kDispatchLevel), TouchVerdict::ok);
  EXPECT_EQ(touch(at, kPageSize + 1, false, client.get(), kDispatchLevel), TouchVerdict::not_locked);
  EXPECT_EQ(spaces.judge({at, 1, false, client.get(), kDispatchLevel}).locks, 1u);
  EXPECT_EQ(client->pages_locked(), 1u);
  unlock(at);
}

TEST_F(AddressSpaceTest, UnmappedMemoryIsNotAccessibleAndComesBackZeroed) {
  const auto client = process("client");
  const std::uint64_t at = *client->allocate(kPageSize);
  ASSERT_TRUE(client->write(at, std::array{std::byte{5}}));
  ASSERT_TRUE(client->unmap(at, kPageSize));
  EXPECT_EQ(touch(at, 1, false, client.get()), TouchVerdict::not_accessible);
  EXPECT_FALSE(client->protect(at, 1, PageAccess::read)) << "only what is mapped has a protection";
  ASSERT_TRUE(client->remap(at, kPageSize));
  std::array<std::byte, 1> byte{std::byte{9}};
  ASSERT_TRUE(client->read(at, byte));
  EXPECT_EQ(byte[0], std::byte{0});
  EXPECT_FALSE(client->remap(at, kPageSize)) << "it is mapped";
}

TEST_F(AddressSpaceTest, ALockedPageOutlivesItsAddressAndItsProcess) {  // DOC: MDL-20
  auto client = process("client");
  const std::uint64_t at = *client->allocate(2 * kPageSize);
  ASSERT_TRUE(client->write(at, std::array{std::byte{5}}));
  const std::uint32_t used = memory->pages_used();
  lock(at);
  ASSERT_TRUE(client->unmap(at, kPageSize));
  EXPECT_FALSE(client->remap(at, kPageSize));
  client.reset();
  EXPECT_EQ(memory->pages_used(), used - 1) << "the locked page stays";
  EXPECT_EQ(*memory->alias(reinterpret_cast<std::byte*>(at)), std::byte{5});
  EXPECT_EQ(touch(at, 1, false, nullptr), TouchVerdict::not_accessible);
  unlock(at);
  const auto next = process("next");
  ASSERT_TRUE(next->allocate(kPageSize));
  EXPECT_EQ(memory->pages_used(), used - 1) << "one page returned, one taken";
}

TEST_F(AddressSpaceTest, WhatAProcessFreesIsGone) {
  const auto client = process("client");
  const std::uint32_t used = memory->pages_used();
  const std::uint64_t at = *client->allocate(5 * kPageSize, {.guarded = true});
  EXPECT_FALSE(client->free(at + kPageSize));
  ASSERT_TRUE(client->free(at));
  EXPECT_EQ(memory->pages_used(), used);
  EXPECT_EQ(touch(at, 1, false, client.get()), TouchVerdict::not_accessible);
  EXPECT_FALSE(client->free(at));
}

TEST_F(AddressSpaceTest, BeforeThereIsAProcessTheViewIsOpenAndOpenPagesStayOpen) {
  const PageRun disk_client = *memory->allocate(2);
  memory->open_user(disk_client);
  auto* byte = reinterpret_cast<volatile char*>(memory->address(View::user, disk_client.first + 1));
  EXPECT_EQ(touch(reinterpret_cast<std::uint64_t>(byte), 1, true, nullptr), TouchVerdict::ok);
  const auto client = process("client");
  *byte = 1;  // faults if it was closed
  EXPECT_EQ(touch(reinterpret_cast<std::uint64_t>(byte), 1, true, nullptr), TouchVerdict::ok);
}

TEST_F(AddressSpaceTest, NamesOfProcessesThatEndedAreFreeAgain) {
  for (unsigned i = 0; i < 3 * AddressSpaces::kProcessesMax; ++i) ASSERT_TRUE(spaces.create("short"));
  std::vector<std::unique_ptr<AddressSpace>> all;
  for (unsigned i = 0; i < AddressSpaces::kProcessesMax; ++i) all.push_back(process("long"));
  EXPECT_FALSE(spaces.create("one more"));
}

}  // namespace
}  // namespace drydock
