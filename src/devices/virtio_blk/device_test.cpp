#include "devices/virtio_blk/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/seeded.h"
#include "devices/backing/recording_seam.h"
#include "devices/test_file.h"
#include "devices/virtio_blk/test_driver.h"

namespace drydock::virtio_blk {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

void fill(Buffer& buffer, std::uint64_t offset, std::uint64_t length, std::uint64_t seed) {
  Seeded random(seed);
  for (std::uint64_t i = 0; i < length; ++i) buffer.host()[offset + i] = static_cast<std::byte>(random.next());
}

/// Every way a queue can be used.
struct Way {
  std::uint64_t seed;
  std::string options;
  bool indirect, event_index, enforce;
  bool legacy = false;  ///< by the legacy interface
};

class WaysTest : public testing::TestWithParam<Way> {
 protected:
  WaysTest()
      : board({.device = "virtio-blk" + GetParam().options, .disk = "mem:4M", .seed = GetParam().seed, .enforce = GetParam().enforce}),
        driver(board, GetParam().indirect, GetParam().legacy) {
    driver.start(GetParam().event_index ? ~virtio::Features{0} : ~virtio::kEventIndex);
  }
  TestBoard board;
  TestDriver driver;
};

TEST_P(WaysTest, WhatWasWrittenIsReadBackFromFragmentedBuffersOfAnyLength) {
  Buffer sent(board, 1u << 18), got(board, 1u << 18);
  std::uint64_t sector = 0;
  for (const std::uint64_t length : {512u, 1024u, 4096u, 4608u, 65536u, 200u * 512u, 1u << 18}) {
    fill(sent, 0, length, length);
    std::memset(got.host(), 0, length);
    ASSERT_EQ(driver.out(sector, sent, 0, length), Status::ok);
    ASSERT_EQ(driver.in(sector, got, 0, length), Status::ok);
    ASSERT_EQ(std::memcmp(sent.host(), got.host(), length), 0) << length;
    sector += length / 512;
  }
  fill(sent, 0, 8192, 99);
  ASSERT_EQ(driver.out(8, sent, 100, 4096), Status::ok) << "a buffer may begin anywhere";
  ASSERT_EQ(driver.in(8, got, 3, 4096), Status::ok);
  EXPECT_EQ(std::memcmp(sent.host() + 100, got.host() + 3, 4096), 0);
  EXPECT_THAT(board.complaints, IsEmpty());
}

TEST_P(WaysTest, ManyRequestsInFlightAllComeBackAcrossTheWrapOfTheIndex) {
  Buffer data(board, 64 * 4096);
  std::uint64_t done = 0;
  for (std::uint32_t round = 0; done < 70'000; ++round) {
    const unsigned batch = 1 + round % 40;
    std::vector<unsigned> slots;
    for (unsigned i = 0; i < batch; ++i)
      slots.push_back(driver.post({i % 2 ? Type::in : Type::out, i * 8ull, data.segments(i * 4096ull, 512), i % 2 != 0}));
    driver.run();
    for (const unsigned slot : slots) {
      ASSERT_TRUE(driver.answer(slot).done) << "lost after " << done;
      ASSERT_EQ(driver.answer(slot).status, Status::ok);
    }
    done += batch;
  }
  EXPECT_GT(done, 65'536u);
  EXPECT_THAT(board.complaints, IsEmpty());
}

TEST_P(WaysTest, ABatchTakesOneInterruptAndNoMoreDoorbellsThanNeeded) {
  Buffer data(board, 4096);
  const DeviceStatistics before = board.disk().statistics();
  for (unsigned i = 0; i < 20; ++i) driver.post({Type::in, 0, data.segments(0, 512), true});
  driver.run();
  const DeviceStatistics after = board.disk().statistics();
  EXPECT_EQ(after.reads - before.reads, 20u);
  EXPECT_EQ(after.interrupts - before.interrupts, 1u);
  EXPECT_EQ(after.doorbells - before.doorbells, GetParam().event_index ? 1u : 20u);
}

INSTANTIATE_TEST_SUITE_P(Ways, WaysTest,
                         testing::Values(Way{1, "", true, true, true}, Way{77, "", true, true, false}, Way{1, "", false, false, true},
                                         Way{77, ",queue_size=128,cache=none", false, true, false},
                                         Way{1, ",msix=off", true, true, true}, Way{77, ",msix=off,queues=1", true, false, true},
                                         Way{1, ",blk_size=4096,queue_size=1024", true, true, true},
                                         Way{1, ",mode=transitional", true, true, true}, Way{1, ",mode=legacy", true, true, true},
                                         Way{1, ",mode=transitional,msix=off", false, true, true, true},
                                         Way{77, ",mode=transitional,queue_size=64", true, false, true, true},
                                         Way{77, ",mode=legacy,msix=off,queue_size=128", false, false, false}));

// --- registers --------------------------------------------------------------------------------------------------------

TEST(VirtioBlk, IsFoundByItsIdentityAndSaysWhatItIs) {
  TestBoard board({.device = "virtio-blk,queues=4,blk_size=4096,physical_blk_size=16384,opt_io_size=65536,seg_max=100,size_max=8192"});
  EXPECT_EQ(board.bus.read_config(TestBoard::kSlot, pci::kVendorId, 4), 0x1042'1AF4u);
  EXPECT_EQ(board.bus.read_config(TestBoard::kSlot, pci::kRevision, 4), 0x0100'0001u);
  EXPECT_EQ(board.function().msix_entries(), 5u);
  TestDriver driver(board);
  const Config config = driver.config();
  EXPECT_EQ(config.capacity, 2048u);
  EXPECT_EQ(config.blk_size, 4096u);
  EXPECT_EQ(config.physical_block_exp, 2u);
  EXPECT_EQ(config.min_io_size, 4u);
  EXPECT_EQ(config.opt_io_size, 16u);
  EXPECT_EQ(config.seg_max, 100u);
  EXPECT_EQ(config.size_max, 8192u);
  EXPECT_EQ(config.num_queues, 4u);
  EXPECT_EQ(config.writeback, 1u);
  EXPECT_EQ(config.write_zeroes_may_unmap, 1u);
  EXPECT_TRUE(driver.negotiate());
  const virtio::Features all = kSizeMax | kSegMax | kBlkSize | kFlush | kTopology | kConfigWce | kMultiQueue | kDiscard | kWriteZeroes |
                               virtio::kIndirectDescriptors | virtio::kEventIndex | virtio::kVersion1;
  EXPECT_EQ(driver.offered(), all);
}

TEST(VirtioBlk, OptionsTakeFeaturesAway) {
  TestBoard board({.device = "virtio-blk,ro=on,cache=none,indirect=off,event_idx=off"});
  TestDriver driver(board);
  EXPECT_EQ(driver.offered(), kSegMax | kReadOnly | kBlkSize | kTopology | kMultiQueue | virtio::kVersion1);
  EXPECT_FALSE(board.disk().has_write_cache());
  EXPECT_TRUE(board.disk().read_only());
}

TEST(VirtioBlk, FeaturesOkStaysOnlyWithAChoiceTheDeviceCanWorkWith) {
  TestBoard board({});
  TestDriver driver(board);
  EXPECT_FALSE(driver.negotiate(~virtio::kVersion1));
  EXPECT_FALSE(driver.negotiate(~virtio::Features{0}, virtio::feature(34)));
  EXPECT_THAT(board.complaints, testing::ElementsAre(HasSubstr("VERSION_1"), HasSubstr("bit 34")));
  EXPECT_TRUE(driver.negotiate());
}

TEST(VirtioBlk, RegistersAreReachedThroughConfigSpaceToo) {
  TestBoard board({});
  std::uint32_t at = board.bus.read_config(TestBoard::kSlot, pci::kCapabilities, 1);
  const auto config = [&](std::uint32_t offset, unsigned size) { return board.bus.read_config(TestBoard::kSlot, offset, size); };
  while (config(at, 1) != pci::kCapabilityVendor || config(at + 3, 1) != 5) at = config(at + 1, 1);
  const auto aim = [&](std::uint32_t offset, std::uint32_t length) {
    board.bus.write_config(TestBoard::kSlot, at + virtio::kAccessBar, 1, Device::kRegisterBar);
    board.bus.write_config(TestBoard::kSlot, at + virtio::kAccessOffset, 4, offset);
    board.bus.write_config(TestBoard::kSlot, at + virtio::kAccessLength, 4, length);
  };
  aim(Device::kDeviceAt, 4);
  EXPECT_EQ(config(at + virtio::kAccessData, 4), 2048u) << "capacity";
  aim(Device::kCommonAt + offsetof(virtio::CommonConfig, device_status), 1);
  board.bus.write_config(TestBoard::kSlot, at + virtio::kAccessData, 1, virtio::kAcknowledge);
  EXPECT_EQ(board.function().read_bar(Device::kRegisterBar, offsetof(virtio::CommonConfig, device_status), 1), virtio::kAcknowledge);
}

TEST(VirtioBlk, AVectorThatDoesNotExistReadsBackAsNone) {
  TestBoard board({.device = "virtio-blk,queues=1"});
  TestDriver driver(board);
  const auto vector = offsetof(virtio::CommonConfig, config_msix_vector);
  driver.set_common(vector, 2, 1);
  EXPECT_EQ(driver.common(vector, 2), 1u);
  driver.set_common(vector, 2, 2);
  EXPECT_EQ(driver.common(vector, 2), virtio::kNoVector);
}

TEST(VirtioBlk, AResetForgetsEverythingInFlight) {
  TestBoard board({});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  const unsigned slot = driver.post({Type::in, 0, data.segments(0, 512), true});
  driver.set_status(0);
  EXPECT_FALSE(board.timeline.jump_to_next()) << "work is still due after the reset";
  EXPECT_FALSE(driver.answer(slot).done);
  driver.set_common(offsetof(virtio::CommonConfig, queue_select), 2, 0);
  EXPECT_EQ(driver.common(offsetof(virtio::CommonConfig, queue_enable), 2), 0u);
  EXPECT_EQ(driver.common(offsetof(virtio::CommonConfig, queue_desc), 8), 0u);
  driver.start();
  EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
}

TEST(VirtioBlk, WorkIsDoneAfterItsLatencyNotBefore) {
  TestBoard board({.device = "virtio-blk,latency=7000"});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  driver.post({Type::in, 0, data.segments(0, 512), true});
  EXPECT_EQ(board.timeline.next_due(), board.timeline.now() + 7000);
  board.timeline.advance(3000);
  driver.post({Type::in, 8, data.segments(0, 512), true});
  driver.run();
  EXPECT_EQ(board.timeline.now(), 7000u) << "a second doorbell does not delay the first request";
}

TEST(VirtioBlk, EachQueueHasItsOwnMessage) {
  TestBoard board({.device = "virtio-blk,queues=8"});
  TestDriver driver(board);
  driver.start(~virtio::Features{0}, 8);
  Buffer data(board, 8 * 4096);
  for (unsigned i = 0; i < 8; ++i) {
    fill(data, i * 4096ull, 4096, i);
    ASSERT_EQ(driver.out(i * 8, data, i * 4096ull, 4096, i), Status::ok);
    EXPECT_EQ(board.messages[TestDriver::kFirstVector + 1 + i], 1u);
  }
  Buffer back(board, 4096);
  for (unsigned i = 0; i < 8; ++i) {
    ASSERT_EQ(driver.in(i * 8, back, 0, 4096, 7 - i), Status::ok);
    EXPECT_EQ(std::memcmp(back.host(), data.host() + i * 4096, 4096), 0);
  }
}

TEST(VirtioBlk, TheLineStaysUpUntilTheIsrIsRead) {
  TestBoard board({.device = "virtio-blk,msix=off"});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  driver.post({Type::in, 0, data.segments(0, 512), true});
  EXPECT_FALSE(board.line);
  board.timeline.jump_to_next();
  EXPECT_TRUE(board.line);
  EXPECT_EQ(driver.isr(), virtio::kIsrQueue);
  EXPECT_FALSE(board.line);
  EXPECT_EQ(driver.isr(), 0);
}

TEST(VirtioBlk, NothingIsTakenWhileBusMasteringIsOff) {
  TestBoard board({});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  board.bus.write_config(TestBoard::kSlot, pci::kCommand, 2, pci::kCommandMemory);
  const unsigned slot = driver.post({Type::in, 0, data.segments(0, 512), true});
  driver.run();
  EXPECT_FALSE(driver.answer(slot).done);
  EXPECT_EQ(board.disk().statistics().reads, 0u);
}

// --- requests ---------------------------------------------------------------------------------------------------------

class RequestTest : public testing::TestWithParam<const char*> {
 protected:
  RequestTest() : board({.device = fmt::format("virtio-blk,{}", GetParam())}), driver(board), data(board, 65536), back(board, 65536) {
    driver.start();
    fill(data, 0, 65536, 5);
  }
  Answer ranges(Type type, std::vector<Range> list) {
    Buffer buffer(board, 4096);
    std::memcpy(buffer.host(), list.data(), list.size() * sizeof(Range));
    return driver.transact({type, 0, buffer.segments(0, list.size() * sizeof(Range)), false});
  }
  void expect_on_disk(std::uint64_t sector, const std::vector<std::byte>& expected) {
    ASSERT_EQ(driver.in(sector, back, 0, expected.size()), Status::ok);
    EXPECT_EQ(std::memcmp(back.host(), expected.data(), expected.size()), 0);
  }
  TestBoard board;
  TestDriver driver;
  Buffer data, back;
};

TEST_P(RequestTest, TheUsedLengthIsWhatTheDeviceWrote) {
  const Answer in = driver.transact({Type::in, 0, back.segments(0, 4096), true});
  EXPECT_EQ(in.length, 4097u);
  EXPECT_EQ(driver.transact({Type::out, 0, data.segments(0, 4096), false}).length, 1u);
  EXPECT_EQ(driver.transact({Type::flush}).length, 1u);
  const Answer beyond = driver.transact({Type::in, 2048, back.segments(0, 4096), true});
  EXPECT_EQ(beyond.status, Status::io_error);
  EXPECT_EQ(beyond.length, 0u) << "no data was written, whatever lies behind it";
}

TEST_P(RequestTest, BeyondTheEndNothingIsTransferred) {
  std::memset(back.host(), 0x5A, 65536);
  for (const std::uint64_t sector : {2041ull, 2048ull, ~0ull, ~0ull - 7, (1ull << 55) + 1}) {
    EXPECT_EQ(driver.in(sector, back, 0, 4096), Status::io_error) << sector;
    EXPECT_EQ(driver.out(sector, data, 0, 4096), Status::io_error) << sector;
  }
  EXPECT_EQ(back.host()[0], std::byte{0x5A});
  EXPECT_EQ(driver.in(2040, back, 0, 4096), Status::ok);
  EXPECT_EQ(board.disk().statistics().failed, 10u);
  EXPECT_THAT(board.complaints, testing::SizeIs(10));
}

TEST_P(RequestTest, PartsOfASectorAreRefused) {
  EXPECT_EQ(driver.out(0, data, 0, 700), Status::io_error);
  EXPECT_EQ(driver.in(0, back, 0, 511), Status::io_error);
}

TEST_P(RequestTest, DataInTheWrongDirectionIsRefused) {
  EXPECT_EQ(driver.transact({Type::in, 0, data.segments(0, 512), false}).status, Status::io_error);
  EXPECT_EQ(driver.transact({Type::out, 0, back.segments(0, 512), true}).status, Status::io_error);
  EXPECT_EQ(board.complaints.size(), 2u);
}

TEST_P(RequestTest, AnUnknownTypeIsUnsupported) {
  EXPECT_EQ(driver.transact({static_cast<Type>(99)}).status, Status::unsupported);
}

TEST_P(RequestTest, TheSerialNumberIsPaddedWithZeroes) {
  const Answer id = driver.transact({Type::get_id, 0, back.segments(0, kIdBytes), true});
  EXPECT_EQ(id.status, Status::ok);
  EXPECT_EQ(id.length, kIdBytes + 1);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(back.host()), kIdBytes), std::string("drydock") + std::string(13, '\0'));
  EXPECT_EQ(driver.transact({Type::get_id, 0, back.segments(0, 19), true}).status, Status::io_error);
}

TEST_P(RequestTest, DiscardedAndZeroedRangesReadAsZeroes) {
  for (const auto& [type, flags] : {std::pair{Type::discard, 0u}, {Type::write_zeroes, 0u}, {Type::write_zeroes, kRangeUnmap}}) {
    ASSERT_EQ(driver.out(0, data, 0, 65536), Status::ok);
    ASSERT_EQ(ranges(type, {{8, 16, flags}, {40, 8, flags}}).status, Status::ok);
    std::vector<std::byte> expected(data.host(), data.host() + 65536);
    std::fill_n(expected.begin() + 8 * 512, 16 * 512, std::byte{0});
    std::fill_n(expected.begin() + 40 * 512, 8 * 512, std::byte{0});
    expect_on_disk(0, expected);
  }
}

TEST_P(RequestTest, OneBadRangeRefusesAllOfThem) {
  ASSERT_EQ(driver.out(0, data, 0, 4096), Status::ok);
  EXPECT_EQ(ranges(Type::discard, {{0, 8, 0}, {2041, 8, 0}}).status, Status::io_error);
  EXPECT_EQ(ranges(Type::discard, {{0, 8, 0}, {8, 8, kRangeUnmap}}).status, Status::unsupported);
  EXPECT_EQ(ranges(Type::write_zeroes, {{0, 8, 0}, {8, 8, 2}}).status, Status::unsupported);
  EXPECT_EQ(ranges(Type::write_zeroes, {{0, 8, 0}, {~0ull, 8, 0}}).status, Status::io_error);
  EXPECT_EQ(ranges(Type::discard, {{0, Device::kRangeSectorsMax + 1, 0}}).status, Status::io_error);
  EXPECT_EQ(ranges(Type::discard, std::vector<Range>(Device::kRangesMax + 1, Range{0, 8, 0})).status, Status::io_error);
  EXPECT_EQ(driver.transact({Type::discard, 0, data.segments(0, 24), false}).status, Status::io_error);
  EXPECT_EQ(driver.transact({Type::discard, 0, {}, false}).status, Status::io_error) << "no range at all";
  expect_on_disk(0, {data.host(), data.host() + 4096});
}

TEST_P(RequestTest, HeaderDataAndStatusMayBeDividedInAnyWay) {
  Buffer whole(board, 4096);
  const std::uint64_t at = whole.at(0).value;
  const auto run = [&](std::vector<virtio::Descriptor> chain) {
    TestDriver::Queue& queue = driver.queue();
    for (std::size_t i = 0; i < chain.size(); ++i) {
      chain[i].next = static_cast<std::uint16_t>(i + 1);
      queue.memory.put(16 * i, chain[i]);
    }
    queue.memory.put(queue.available + virtio::available::entry(queue.available_index), std::uint16_t{0});
    queue.memory.put(queue.available + virtio::available::kIndex, ++queue.available_index);
    driver.doorbell(0);
    board.timeline.jump_to_next();
  };
  fill(whole, 16, 512, 8);
  whole.put(0, Header{Type::out, 0, 16});
  whole.put(1000, std::uint8_t{0xFF});
  run({{at, 7, virtio::kNext, 0}, {at + 7, 109, virtio::kNext, 0}, {at + 116, 412, virtio::kNext, 0}, {at + 1000, 1, virtio::kWrite, 0}});
  EXPECT_EQ(whole.get<std::uint8_t>(1000), 0u);
  whole.put(0, Header{Type::in, 0, 16});
  whole.put(2512, std::uint8_t{0xFF});
  run({{at, 16, virtio::kNext, 0}, {at + 2000, 1, virtio::kNext | virtio::kWrite, 0}, {at + 2001, 512, virtio::kWrite, 0}});
  EXPECT_EQ(whole.get<std::uint8_t>(2512), 0u) << "the status is the last writable byte";
  EXPECT_EQ(std::memcmp(whole.host() + 2000, whole.host() + 16, 512), 0);
  EXPECT_THAT(board.complaints, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kinds, RequestTest, testing::Values("blk_size=512", "blk_size=4096", "mode=legacy"));

TEST(VirtioBlk, AReadOnlyDiskIsNeverChanged) {
  TestFile file(65536);
  RecordingSeam seam;
  TestBoard board({.device = "virtio-blk,ro=on", .disk = file.path(), .seam = &seam});
  TestDriver driver(board);
  driver.start();
  ASSERT_TRUE(driver.has(kReadOnly));
  EXPECT_FALSE(driver.has(kDiscard));
  Buffer data(board, 4096);
  EXPECT_EQ(driver.out(0, data, 0, 512), Status::io_error);
  EXPECT_EQ(driver.transact({Type::discard, 0, data.segments(0, 16), false}).status, Status::unsupported);
  EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
  EXPECT_EQ(driver.flush(), Status::ok);
  EXPECT_EQ(board.disk().power_off(), 0);
  EXPECT_TRUE(seam.operations().empty());
}

TEST(VirtioBlk, ANullStoreAnswersAndMovesNothing) {
  TestBoard board({.disk = "null:1M"});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  fill(data, 0, 4096, 3);
  const std::vector<std::byte> before(data.host(), data.host() + 4096);
  EXPECT_EQ(driver.out(0, data, 0, 4096), Status::ok);
  EXPECT_EQ(driver.in(0, data, 0, 4096), Status::ok);
  EXPECT_EQ(driver.flush(), Status::ok);
  EXPECT_EQ(std::memcmp(before.data(), data.host(), 4096), 0);
  EXPECT_EQ(driver.in(2048, data, 0, 512), Status::io_error) << "its end is real";
}

// --- the write cache --------------------------------------------------------------------------------------------------

struct CacheTest : testing::Test {
  void open(const std::string& options, virtio::Features wanted = ~virtio::Features{0}) {
    board.emplace(BoardSetup{.device = "virtio-blk" + options, .disk = file.path(), .seam = &seam});
    driver.emplace(*board);
    driver->start(wanted);
    data.emplace(*board, 8192);
    fill(*data, 0, 8192, 1);
  }
  TestFile file{65536};
  RecordingSeam seam;
  std::optional<TestBoard> board;
  std::optional<TestDriver> driver;
  std::optional<Buffer> data;
};

TEST_F(CacheTest, AFlushIsOneSyncAfterEveryWriteBeforeIt) {
  open("");
  ASSERT_EQ(driver->out(0, *data, 0, 512), Status::ok);
  ASSERT_EQ(driver->out(64, *data, 512, 4096), Status::ok);
  EXPECT_TRUE(seam.operations().empty());
  ASSERT_EQ(driver->flush(), Status::ok);
  EXPECT_EQ(seam.writes(), 2u);
  EXPECT_EQ(seam.syncs(), 1u);
  EXPECT_EQ(seam.operations().back().what, RecordingSeam::What::sync);
}

TEST_F(CacheTest, WithoutFlushNegotiatedEveryWriteIsDurable) {
  open("", ~(kFlush | kConfigWce));
  ASSERT_EQ(driver->out(0, *data, 0, 512), Status::ok);
  EXPECT_EQ(seam.writes(), 1u);
  EXPECT_EQ(seam.syncs(), 1u);
}

TEST_F(CacheTest, WithoutACacheEveryWriteIsDurable) {
  open(",cache=none");
  ASSERT_FALSE(driver->has(kFlush));
  ASSERT_EQ(driver->out(0, *data, 0, 512), Status::ok);
  EXPECT_EQ(seam.syncs(), 1u);
}

TEST_F(CacheTest, TheDriverSwitchesTheCacheOffAndOn) {
  open("");
  ASSERT_EQ(driver->config().writeback, 1u);
  ASSERT_EQ(driver->out(0, *data, 0, 512), Status::ok);
  driver->set_writeback(false);
  EXPECT_EQ(driver->config().writeback, 0u);
  EXPECT_EQ(seam.syncs(), 1u) << "what was cached is written when the cache goes off";
  ASSERT_EQ(driver->out(8, *data, 0, 512), Status::ok);
  EXPECT_EQ(seam.syncs(), 2u);
  driver->set_writeback(true);
  ASSERT_EQ(driver->out(16, *data, 0, 512), Status::ok);
  EXPECT_EQ(seam.syncs(), 2u);
  EXPECT_EQ(seam.writes(), 2u);
}

TEST_F(CacheTest, WithoutFlushTheCacheBeginsSwitchedOff) {
  open("", ~kFlush);
  EXPECT_EQ(driver->config().writeback, 0u);
  ASSERT_EQ(driver->out(0, *data, 0, 512), Status::ok);
  EXPECT_EQ(seam.syncs(), 1u);
}

TEST_F(CacheTest, AnOrderlyPowerOffKeepsEverythingAndACutLosesTheCache) {
  for (const bool orderly : {true, false}) {
    open("");
    fill(*data, 0, 512, orderly ? 10 : 11);
    ASSERT_EQ(driver->out(0, *data, 0, 512), Status::ok);
    if (orderly)
      EXPECT_EQ(board->disk().power_off(), 0);
    else
      board->disk().cut_power();
    EXPECT_EQ(driver->status() == 0xFF, !orderly) << "a device without power answers with all ones";
    std::vector<std::byte> expected(512), on_disk(512);
    Seeded random(10);
    for (auto& b : expected) b = static_cast<std::byte>(random.next());
    data.reset(), driver.reset(), board.reset();
    auto store = std::move(*open_store(file.path(), true));
    const iovec piece{on_disk.data(), 512};
    ASSERT_EQ(store->read(0, Pieces(&piece, 1)), 0);
    EXPECT_EQ(on_disk, expected) << orderly;
  }
}

/// A host whose disk is full or broken.
struct FullHost : FileSeam {
  ssize_t write(int, const iovec*, int, off_t) override { return errno = ENOSPC, -1; }
};

TEST(VirtioBlk, AnErrorOfTheHostIsAnErrorOfTheRequestAndTheDeviceGoesOn) {
  TestFile file(65536);
  FullHost host;
  TestBoard board({.disk = file.path(), .seam = &host});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  EXPECT_EQ(driver.out(0, data, 0, 512), Status::ok) << "it is only in the cache";
  EXPECT_EQ(driver.flush(), Status::io_error);
  EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
  EXPECT_EQ(driver.status() & virtio::kNeedsReset, 0);
  board.disk().cut_power();
}

}  // namespace
}  // namespace drydock::virtio_blk
