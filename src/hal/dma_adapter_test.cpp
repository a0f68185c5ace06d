#include "hal/dma_adapter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>

#include "base/seeded.h"

namespace drydock {
namespace {

struct Recorder final : TraceObserver {
  std::vector<std::string> broken;
  std::vector<DmaMapped> mapped;
  void observe(const TraceEvent& event) override {
    if (const auto* rule = std::get_if<RuleBroken>(&event)) broken.push_back(std::string(rule->code));
    if (const auto* map = std::get_if<DmaMapped>(&event)) mapped.push_back(*map);
  }
};

/// A machine's memory with a client buffer, and an adapter on it.
struct Board {
  explicit Board(PhysProfile profile = PhysProfile::mixed, std::uint32_t registers = 512, std::uint64_t seed = 1)
      : memory(*PhysicalMemory::create({64u << 20, profile, seed})), window(memory->size() >> kPageShift),
        pool(*MapRegisterPool::create(*memory, trace, {registers, 0xFF'FFFF, true})),
        bus(*memory, window, trace, true) {
    trace.add(recorder, true);
    buffer = *memory->allocate(600);
    for (std::uint64_t i = 0; i < buffer.bytes(); ++i) bytes()[i] = pattern(i);
  }
  ~Board() { EXPECT_EQ(pool->verify_free(), 0u); }

  static std::byte pattern(std::uint64_t i) { return static_cast<std::byte>((i * 2654435761u) >> 13); }
  std::byte* bytes() { return memory->system(buffer.first); }
  DmaAdapter adapter(const Reach& reach, std::uint32_t at_once = ~0u, std::uint32_t in_total = ~0u) {
    return DmaAdapter(*memory, window, *pool, trace, {reach, at_once, in_total, true});
  }
  /// A resident MDL of the client's buffer; `next` links it before another.
  MdlView mdl(std::uint64_t offset, std::uint32_t length, MdlView next = {}) {
    const std::uint64_t address = memory->address(View::user, buffer.first) + offset;
    storage.emplace_back(MdlView::size_of(address, length) / 8);
    MdlView view = MdlView::format(storage.back().data(), address, length);
    EXPECT_TRUE(view.lock(*memory, locked, true));
    view.raw()->Next = next.raw();
    return view;
  }

  Trace trace;
  Recorder recorder;
  std::unique_ptr<PhysicalMemory> memory;
  DmaWindow window;
  std::unique_ptr<MapRegisterPool> pool;
  BusMaster bus;
  LockedPages locked{memory->size() >> kPageShift};
  PageRun buffer;
  std::deque<std::vector<std::uint64_t>> storage;
  std::vector<DmaElement> list = std::vector<DmaElement>(700);
};

const Reach k24 = Reach::of_bits(24);

std::vector<std::byte> device_reads(Board& board, const DmaMapping& mapping) {
  std::vector<std::byte> all;
  for (std::uint32_t i = 0; i < mapping.elements(); ++i) {
    std::vector<std::byte> part(board.list[i].length);
    EXPECT_TRUE(board.bus.read(board.list[i].address, part));
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

void device_writes(Board& board, const DmaMapping& mapping, std::byte value) {
  for (std::uint32_t i = 0; i < mapping.elements(); ++i)
    EXPECT_TRUE(board.bus.write(board.list[i].address, std::vector<std::byte>(board.list[i].length, value)));
}

TEST(DmaAdapter, ADeviceReadsTheBufferAndCanNotAnyLongerAfterTheFlush) {
  Board board;
  DmaAdapter adapter = board.adapter({});
  DmaMapping mapping;
  const MdlView mdl = board.mdl(0x345, 0x8000);
  ASSERT_EQ(adapter.map({mdl, 0, 0x8000, DmaDirection::to_device}, board.list, mapping), MapOutcome::mapped);
  EXPECT_EQ(mapping.bounced_pieces(), 0u);
  const auto seen = device_reads(board, mapping);
  EXPECT_EQ(std::memcmp(seen.data(), board.bytes() + 0x345, 0x8000), 0);
  std::byte one{};
  EXPECT_FALSE(board.bus.write(board.list[0].address, {&one, 1})) << "wrong direction";
  mapping.flush();
  EXPECT_FALSE(board.bus.read(board.list[0].address, {&one, 1})) << "too late";
}

TEST(DmaAdapter, BouncedBytesArriveInBothDirectionsAndNothingElseChanges) {
  Board board;
  DmaAdapter adapter = board.adapter(k24);
  for (const std::uint32_t offset : {0u, 1u, 0x345u, 0xFFFu})
    for (const std::uint32_t length : {1u, 2u, 0x1000u, 0x1001u, 0x7FFFu, 0x30000u}) {
      const MdlView mdl = board.mdl(offset, length);
      DmaMapping out, in;
      ASSERT_EQ(adapter.map({mdl, 0, length, DmaDirection::to_device}, board.list, out), MapOutcome::mapped);
      EXPECT_GT(out.bounced_pieces(), 0u);
      const auto seen = device_reads(board, out);
      ASSERT_EQ(std::memcmp(seen.data(), board.bytes() + offset, length), 0);
      std::memset(board.bytes() + offset, 0, length);
      out.flush();
      for (std::uint32_t i = 0; i < length; ++i) ASSERT_EQ(board.bytes()[offset + i], std::byte{0}) << "a write to the device copies nothing back";

      ASSERT_EQ(adapter.map({mdl, 0, length, DmaDirection::from_device}, board.list, in), MapOutcome::mapped);
      device_writes(board, in, std::byte{0x5A});
      ASSERT_EQ(board.bytes()[offset], std::byte{0}) << "the data comes with the flush";
      in.flush();
      for (std::uint32_t i = 0; i < length; ++i) ASSERT_EQ(board.bytes()[offset + i], std::byte{0x5A});
      for (std::uint64_t i = 0; i < board.buffer.bytes(); ++i) {
        if (i - offset < length) board.bytes()[i] = Board::pattern(i);
        ASSERT_EQ(board.bytes()[i], Board::pattern(i)) << "an innocent byte at " << i;
      }
    }
  EXPECT_TRUE(board.recorder.broken.empty());
  EXPECT_EQ(adapter.account().held, 0u);
}

// Chains, offsets, reaches of all kinds, both directions: the device sees the client's bytes, the client the device's.
TEST(DmaAdapter, RandomTransfersCarryTheRightBytes) {
  Seeded choose(11);
  for (const PhysProfile profile : {PhysProfile::mixed, PhysProfile::high, PhysProfile::contiguous}) {
    Board board(profile);
    for (int i = 0; i < 400; ++i) {
      Reach reach = Reach::of_bits(choose.below(2) == 0 ? 24 : 32);
      reach.scatter_gather = choose.below(3) != 0;
      reach.boundary = choose.below(2) == 0 ? 0 : 0x10000;
      if (choose.below(3) == 0) reach.minimum_transfer_unit = 512;
      if (choose.below(3) == 0) reach.alignment = 64;
      if (!reach.scatter_gather) reach.boundary = 0;
      DmaAdapter adapter = board.adapter(reach);
      MdlView chain;
      std::vector<std::byte> expected;
      for (std::uint64_t n = 1 + choose.below(10); n > 0; --n) {
        const std::uint64_t offset = choose.below(500 * kPageSize);
        const auto length = static_cast<std::uint32_t>(1 + choose.below(choose.below(2) == 0 ? 600 : 40'000));
        chain = board.mdl(offset, length, chain);
        expected.insert(expected.begin(), board.bytes() + offset, board.bytes() + offset + length);
      }
      const std::uint64_t unit = reach.minimum_transfer_unit;
      const std::uint64_t skip = choose.below(expected.size());
      const std::uint64_t length = (1 + choose.below(expected.size() - skip)) / unit * unit;
      if (length == 0) continue;
      DmaMapping mapping;
      ASSERT_EQ(adapter.map({chain, skip, length, DmaDirection::to_device}, board.list, mapping), MapOutcome::mapped);
      ASSERT_EQ(mapping.length(), length);
      const auto seen = device_reads(board, mapping);
      ASSERT_EQ(seen.size(), length);
      ASSERT_EQ(std::memcmp(seen.data(), expected.data() + skip, length), 0);
      mapping.flush();
      ASSERT_EQ(adapter.map({chain, skip, length, DmaDirection::from_device}, board.list, mapping), MapOutcome::mapped);
      std::uint64_t at = 0;
      for (std::uint32_t e = 0; e < mapping.elements(); ++e) {  // the device gives back what it read
        ASSERT_TRUE(board.bus.write(board.list[e].address, std::span(seen).subspan(at, board.list[e].length)));
        at += board.list[e].length;
      }
      mapping.flush();
      board.storage.clear();
    }
    for (std::uint64_t i = 0; i < board.buffer.bytes(); ++i) ASSERT_EQ(board.bytes()[i], Board::pattern(i));
    EXPECT_TRUE(board.recorder.broken.empty());
  }
}

TEST(DmaAdapter, ADeviceWithoutScatterGatherGetsOneElement) {  // DOC: DMA-93
  Board board;
  Reach reach = k24;
  reach.scatter_gather = false;
  DmaAdapter adapter = board.adapter(reach);
  DmaMapping mapping;
  ASSERT_EQ(adapter.map({board.mdl(0x10, 0x10000), 0, 0x10000, DmaDirection::to_device}, board.list, mapping), MapOutcome::mapped);
  EXPECT_EQ(mapping.elements(), 1u);
  EXPECT_EQ(board.list[0].length, 0x10000u);
  EXPECT_EQ(board.list[0].address.offset_in_page(), 0x10u);
  mapping.flush();
}

struct Waiting final : MapRegisterPool::Waiter {
  MapRegisterPool::Lease lease;
  void registers_granted(MapRegisterPool::Lease got) override { lease = std::move(got); }
};

TEST(DmaAdapter, WhoFindsNoRegistersWaitsAndGoesOnWithTheLease) {
  Board board(PhysProfile::high, 10);
  DmaAdapter adapter = board.adapter(k24);
  DmaMapping first, second;
  const MdlView mdl = board.mdl(0, 8 * kPageSize);
  const DmaBuffer buffer{mdl, 0, mdl.length(), DmaDirection::to_device};
  Waiting waiting;
  ASSERT_EQ(adapter.map(buffer, board.list, first), MapOutcome::mapped);
  ASSERT_EQ(adapter.map(buffer, board.list, second, &waiting), MapOutcome::wait);
  EXPECT_FALSE(second.live());
  EXPECT_FALSE(waiting.lease);
  first.flush();
  ASSERT_TRUE(waiting.lease);
  ASSERT_EQ(adapter.map_with(buffer, board.list, second, std::move(waiting.lease)), MapOutcome::mapped);
  EXPECT_EQ(second.bounced_pieces(), 8u);
  second.flush();
  EXPECT_EQ(board.pool->free_count(), 10u);
}

TEST(DmaAdapter, WhatCanNeverBeMappedIsRefusedAtOnceAndTakesNothing) {
  Board board(PhysProfile::high, 10);
  DmaAdapter adapter = board.adapter(k24, 4);
  DmaMapping mapping;
  const MdlView mdl = board.mdl(0, 8 * kPageSize);
  const auto map = [&](std::uint64_t offset, std::uint64_t length, std::size_t room) {
    return adapter.map({mdl, offset, length, DmaDirection::to_device}, std::span(board.list).first(room), mapping);
  };
  EXPECT_EQ(map(0, 5 * kPageSize, 100), MapOutcome::too_many_registers);
  EXPECT_EQ(map(0, 0, 100), MapOutcome::outside_buffer);
  EXPECT_EQ(map(8 * kPageSize, 1, 100), MapOutcome::outside_buffer);
  EXPECT_EQ(map(0, 8 * kPageSize + 1, 100), MapOutcome::outside_buffer);
  EXPECT_EQ(map(1, ~std::uint64_t{0}, 100), MapOutcome::outside_buffer);
  EXPECT_EQ(map(0, 1, 0), MapOutcome::list_too_small);
  DmaAdapter direct = board.adapter({});
  EXPECT_EQ(direct.map({mdl, 0, mdl.length(), DmaDirection::to_device}, std::span(board.list).first(1), mapping), MapOutcome::list_too_small);
  Reach coarse;
  coarse.minimum_transfer_unit = 512;
  DmaAdapter units = board.adapter(coarse);
  EXPECT_EQ(units.map({mdl, 0, 513, DmaDirection::to_device}, board.list, mapping), MapOutcome::below_unit);
  EXPECT_FALSE(mapping.live());
  EXPECT_EQ(board.pool->free_count(), 10u);
}

TEST(DmaAdapter, APartCanBeMappedWithRegistersTheCallerKeeps) {  // DOC: DMA-121 DMA-138
  Board board(PhysProfile::high, 10);
  DmaAdapter adapter = board.adapter(k24);
  const std::uint64_t total = 9 * kPageSize;
  const MdlView mdl = board.mdl(0x100, static_cast<std::uint32_t>(total));
  MapRegisterPool::Lease lease = board.pool->lease(adapter.account(), 4);
  std::vector<std::byte> seen;
  for (std::uint64_t at = 0; at < total;) {
    DmaMapping mapping;
    ASSERT_EQ(adapter.map_part({mdl, at, total - at, DmaDirection::to_device}, board.list, mapping, lease), MapOutcome::mapped);
    EXPECT_LE(mapping.registers_used(), 4u);
    const auto part = device_reads(board, mapping);
    seen.insert(seen.end(), part.begin(), part.end());
    at += mapping.length();
    mapping.flush();
    EXPECT_EQ(board.pool->free_count(), 6u) << "the lease stays with the caller";
    EXPECT_TRUE(board.recorder.broken.empty());
  }
  EXPECT_EQ(std::memcmp(seen.data(), board.bytes() + 0x100, total), 0);
}

TEST(DmaAdapter, TwoPartsShareALeaseSideBySide) {
  Board board(PhysProfile::high, 10);
  DmaAdapter adapter = board.adapter(k24);
  const MdlView mdl = board.mdl(0, 6 * kPageSize);
  MapRegisterPool::Lease lease = board.pool->lease(adapter.account(), 6);
  DmaMapping a, b;
  ASSERT_EQ(adapter.map_part({mdl, 0, 2 * kPageSize, DmaDirection::from_device}, board.list, a, lease), MapOutcome::mapped);
  device_writes(board, a, std::byte{1});
  ASSERT_EQ(adapter.map_part({mdl, 2 * kPageSize, 4 * kPageSize, DmaDirection::from_device}, board.list, b, lease, a.registers_used()), MapOutcome::mapped);
  device_writes(board, b, std::byte{2});
  b.flush();
  a.flush();
  EXPECT_EQ(board.bytes()[2 * kPageSize - 1], std::byte{1});
  EXPECT_EQ(board.bytes()[2 * kPageSize], std::byte{2});
}

TEST(DmaAdapter, ADeviceThatWritesBehindItsBufferIsReported) {  // DOC: VER-10
  Board board(PhysProfile::high);
  DmaAdapter adapter = board.adapter(k24);
  const MdlView mdl = board.mdl(0x200, 0x100);
  for (const bool behind : {true, false}) {
    DmaMapping mapping;
    ASSERT_EQ(adapter.map({mdl, 0, 0x100, DmaDirection::from_device}, board.list, mapping), MapOutcome::mapped);
    const std::byte wild{1};
    const LogicalAddress where = behind ? board.list[0].address + 0x100 : LogicalAddress{board.list[0].address.value - 1};
    ASSERT_TRUE(board.bus.write(where, {&wild, 1})) << "the page is open to the device";
    mapping.flush();
  }
  EXPECT_EQ(board.recorder.broken, (std::vector<std::string>{"0xE6/0x0F", "0xE6/0x0F"}));
}

TEST(DmaAdapter, StatisticsAndTraceCountWhatWasMapped) {
  Board board(PhysProfile::high);
  DmaAdapter adapter = board.adapter(k24);
  for (const std::uint32_t pages : {1u, 3u}) {
    DmaMapping mapping;
    ASSERT_EQ(adapter.map({board.mdl(0, pages * 4096), 0, pages * 4096, DmaDirection::from_device}, board.list, mapping), MapOutcome::mapped);
    mapping.flush();
  }
  EXPECT_EQ(adapter.statistics().mappings, 2u);
  EXPECT_EQ(adapter.statistics().bounced_pages, 4u);
  EXPECT_EQ(adapter.statistics().elements_min, 1u);
  EXPECT_EQ(adapter.statistics().bytes, 4u * 4096);
  ASSERT_EQ(board.recorder.mapped.size(), 2u);
  EXPECT_EQ(board.recorder.mapped[1].bounced_pages, 3u);
  EXPECT_FALSE(board.recorder.mapped[1].to_device);
}

TEST(DmaAdapter, WhatNoDeviceWroteIsNotCopiedBackOverTheAnswerOfTheDriver) {
  Board board(PhysProfile::high);
  DmaAdapter adapter = board.adapter(k24);
  DmaMapping mapping;
  ASSERT_EQ(adapter.map({board.mdl(0, 8192), 0, 8192, DmaDirection::from_device}, board.list, mapping), MapOutcome::mapped);
  std::memset(board.bytes(), 0x11, 8192);  // the driver answers by the buffer's system address
  ASSERT_TRUE(board.bus.write(board.list[0].address + kPageSize, std::vector<std::byte>(kPageSize, std::byte{0x22})));
  mapping.flush();
  EXPECT_EQ(board.bytes()[0], std::byte{0x11});
  EXPECT_EQ(board.bytes()[kPageSize - 1], std::byte{0x11});
  EXPECT_EQ(board.bytes()[kPageSize], std::byte{0x22});
  ASSERT_EQ(adapter.map({board.mdl(0, 4096), 0, 4096, DmaDirection::from_device}, board.list, mapping), MapOutcome::mapped);
  std::memset(board.bytes(), 0x33, 4096);
  mapping.flush();
  EXPECT_EQ(board.bytes()[0], std::byte{0x33}) << "what was written into a register long ago does not count";
}

TEST(DmaAdapter, ADiscardedMappingCopiesNothingAndGivesEverythingBack) {
  Board board(PhysProfile::high);
  DmaAdapter adapter = board.adapter(k24);
  DmaMapping mapping;
  ASSERT_EQ(adapter.map({board.mdl(0, 4096), 0, 4096, DmaDirection::from_device}, board.list, mapping), MapOutcome::mapped);
  device_writes(board, mapping, std::byte{7});
  mapping.discard();
  mapping.discard();
  EXPECT_EQ(board.bytes()[0], Board::pattern(0));
  EXPECT_EQ(adapter.account().held, 0u);
}

TEST(DmaAdapterDeathTest, FlushingTwiceOrForgettingToFlushIsOurFault) {
  Board board;
  DmaAdapter adapter = board.adapter({});
  const DmaBuffer buffer{board.mdl(0, 4096), 0, 4096, DmaDirection::to_device};
  EXPECT_DEATH({ DmaMapping mapping; adapter.map(buffer, board.list, mapping); }, "never flushed");
  EXPECT_DEATH({ DmaMapping mapping; adapter.map(buffer, board.list, mapping); mapping.flush(); mapping.flush(); }, "flushed twice");
}

}  // namespace
}  // namespace drydock
