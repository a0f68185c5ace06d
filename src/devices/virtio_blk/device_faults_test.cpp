// The device with a plan of faults (--fault): what each does, that it does nothing else, and that the disk keeps what it was
// told to keep.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "base/seeded.h"
#include "devices/test_file.h"
#include "devices/virtio_blk/test_driver.h"

namespace drydock::virtio_blk {
namespace {

using testing::Each;
using testing::IsEmpty;
using testing::SizeIs;

void fill(Buffer& buffer, std::uint64_t seed) {
  Seeded random(seed);
  for (std::uint64_t i = 0; i < buffer.run().bytes(); ++i) buffer.host()[i] = static_cast<std::byte>(random.next());
}

/// A board whose device suffers `faults`, a driver that started it, and a buffer with data and one for what comes back.
struct Suffering {
  explicit Suffering(std::vector<std::string> faults, std::string disk = "mem:1M", std::string device = "virtio-blk")
      : board({.device = std::move(device), .disk = std::move(disk), .faults = std::move(faults)}), driver(board), data(board, 65536), back(board, 65536) {
    driver.start(~virtio::kEventIndex);  // with it a device that lost an interrupt waits for the driver to look
    fill(data, 7);
  }
  std::uint64_t strikes(FaultPoint point) const { return board.faults->count(point).strikes; }
  unsigned messages() { return board.messages[TestDriver::kFirstVector + 1]; }
  bool same(std::uint64_t length) const { return std::memcmp(data.host(), back.host(), length) == 0; }
  TestBoard board;
  TestDriver driver;
  Buffer data, back;
};

TEST(DeviceFaults, WithoutAPlanNothingIsDifferent) {
  Suffering with({"late-dma=#1000000"}), without({});
  for (Suffering* each : {&with, &without}) {
    EXPECT_EQ(each->driver.out(8, each->data, 0, 65536), Status::ok);
    EXPECT_EQ(each->driver.in(8, each->back, 0, 65536), Status::ok);
    EXPECT_TRUE(each->same(65536));
  }
  EXPECT_EQ(with.board.timeline.now(), without.board.timeline.now());
  EXPECT_EQ(with.board.faults->count(FaultPoint::late_dma).opportunities, 2u) << "it was asked";
}

TEST(DeviceFaults, ALostInterruptLeavesTheRequestDoneAndUnannounced) {
  for (const char* device : {"virtio-blk", "virtio-blk,msix=off", "virtio-blk,mode=legacy"}) {
    Suffering test({"lost-interrupt=#1"}, "mem:1M", device);
    const unsigned slot = test.driver.post({Type::out, 0, test.data.segments(0, 4096), false});
    test.driver.run();
    EXPECT_FALSE(test.driver.answer(slot).done) << device;
    EXPECT_EQ(test.messages(), 0u);
    EXPECT_FALSE(test.board.line);
    EXPECT_EQ(test.driver.in(0, test.back, 0, 4096), Status::ok) << "the next interrupt announces both";
    EXPECT_TRUE(test.driver.answer(slot).done);
    EXPECT_TRUE(test.same(4096));
  }
}

TEST(DeviceFaults, ASpuriousInterruptAnnouncesNothing) {
  for (const char* device : {"virtio-blk", "virtio-blk,msix=off"}) {
    Suffering test({"spurious-interrupt=#1"}, "mem:1M", device);
    const auto interrupts = test.board.disk().statistics().interrupts;
    EXPECT_EQ(test.driver.out(0, test.data, 0, 512), Status::ok);
    EXPECT_EQ(test.board.disk().statistics().interrupts, interrupts + 1) << "one for the request";
    EXPECT_EQ(test.messages(), test.board.function().msix_enabled() ? 2u : 0u) << "and one for nothing";
    test.board.timeline.advance(kMillisecond);
    test.board.timeline.fire_due();
    EXPECT_EQ(test.driver.in(0, test.back, 0, 512), Status::ok);
    EXPECT_TRUE(test.same(512));
  }
}

TEST(DeviceFaults, ASpuriousInterruptOnTheLineMayHaveNoCauseAndGoesAway) {
  bool without_cause = false, with_cause = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Suffering test({fmt::format("spurious-interrupt=#1@{}", seed)}, "mem:1M", "virtio-blk,msix=off");
    test.driver.post({Type::out, 0, test.data.segments(0, 512), false});
    test.board.timeline.jump_to_next();
    EXPECT_TRUE(test.board.line);
    (void)test.driver.isr();
    EXPECT_FALSE(test.board.line);
    test.board.timeline.jump_to_next();
    ASSERT_TRUE(test.board.line) << "for nothing";
    const bool nobody_looked_and_it_went = test.board.timeline.jump_to_next() && !test.board.line;
    without_cause |= nobody_looked_and_it_went;
    with_cause |= !nobody_looked_and_it_went && test.driver.isr() == virtio::kIsrQueue;
  }
  EXPECT_TRUE(without_cause && with_cause) << "both happen";
}

TEST(DeviceFaults, AnEarlyInterruptComesBeforeTheDataAndNotAgain) {
  Suffering test({"early-interrupt=#1"});
  EXPECT_EQ(test.driver.out(0, test.data, 0, 512), Status{0xFF});
  EXPECT_EQ(test.messages(), 1u);
  const unsigned slot = test.driver.post({Type::in, 0, test.back.segments(0, 512), true});
  test.board.timeline.jump_to_next();
  EXPECT_EQ(test.messages(), 2u);
  test.driver.run();
  EXPECT_EQ(test.driver.answer(slot).status, Status::ok);
  EXPECT_TRUE(test.same(512)) << "what was announced early was done all the same";
}

TEST(DeviceFaults, WhenAnEarlyInterruptComesNothingIsInMemoryYet) {
  Suffering test({"early-interrupt=#1"});
  const unsigned slot = test.driver.post({Type::in, 0, test.back.segments(0, 512), true});
  test.board.timeline.jump_to_next();
  ASSERT_EQ(test.messages(), 1u);
  TestDriver::Queue& queue = test.driver.queue();
  EXPECT_EQ(queue.memory.get<std::uint16_t>(queue.used + virtio::used::kIndex), 0u);
  test.board.timeline.jump_to_next();
  EXPECT_EQ(queue.memory.get<std::uint16_t>(queue.used + virtio::used::kIndex), 1u);
  EXPECT_EQ(test.messages(), 1u);
  EXPECT_FALSE(test.driver.answer(slot).done);
}

TEST(DeviceFaults, AStormIsManyInterruptsAndEnds) {
  Suffering test({"interrupt-storm=#1"});
  EXPECT_EQ(test.driver.out(0, test.data, 0, 512), Status::ok);
  EXPECT_GE(test.messages(), 65u);
  EXPECT_LE(test.messages(), 1025u);
  EXPECT_FALSE(test.board.timeline.jump_to_next()) << "it is over";
}

TEST(DeviceFaults, AStormEndsWithAReset) {
  Suffering test({"interrupt-storm=#1"});
  test.driver.post({Type::out, 0, test.data.segments(0, 512), false});
  test.board.timeline.jump_to_next();
  test.board.timeline.jump_to_next();
  test.driver.set_status(0);
  EXPECT_FALSE(test.board.timeline.jump_to_next());
}

TEST(DeviceFaults, AWildIndexNamesNoDescriptorOfTheQueue) {
  Suffering test({"wild-index=1"});
  TestDriver::Queue& queue = test.driver.queue();
  for (std::uint32_t i = 0; i < 40; ++i) {
    test.driver.post({Type::out, 8 * i, test.data.segments(0, 4096), false});
    while (test.board.timeline.jump_to_next()) {}
    EXPECT_GE(queue.memory.get<std::uint32_t>(queue.used + virtio::used::entry(i)), queue.size);
    EXPECT_EQ(queue.memory.get<std::uint16_t>(queue.used + virtio::used::kIndex), i + 1);
  }
  EXPECT_EQ(test.strikes(FaultPoint::wild_index), 40u);
}

TEST(DeviceFaults, ADescriptorLoopIsALinkToItself) {
  Suffering test({"descriptor-loop=#1"});
  test.driver.post({Type::out, 0, test.data.segments(0, 512), false});
  const TestDriver::Queue& queue = test.driver.queue();
  const auto head = queue.memory.get<std::uint16_t>(queue.available + virtio::available::entry(0));
  while (test.board.timeline.jump_to_next()) {}
  const auto descriptor = queue.memory.get<virtio::Descriptor>(16u * head);
  EXPECT_EQ(descriptor.flags, virtio::kNext);
  EXPECT_EQ(descriptor.next, head);
}

TEST(DeviceFaults, WithoutAStatusTheByteStaysAsTheDriverLeftIt) {
  Suffering test({"no-status=#1"});
  const Answer answer = test.driver.transact({Type::out, 0, test.data.segments(0, 512), false});
  EXPECT_TRUE(answer.done);
  EXPECT_EQ(answer.status, Status{0xFF});
  EXPECT_EQ(test.driver.in(0, test.back, 0, 512), Status::ok);
  EXPECT_TRUE(test.same(512));
}

TEST(DeviceFaults, AWrongLengthIsAnyButTheRightOneAndTheDataIsRight) {
  Suffering test({"wrong-length=1"});
  ASSERT_EQ(test.driver.out(0, test.data, 0, 4096), Status::ok);
  for (int i = 0; i < 20; ++i) {
    std::memset(test.back.host(), 0, 4096);
    const Answer answer = test.driver.transact({Type::in, 0, test.back.segments(0, 4096), true});
    EXPECT_EQ(answer.status, Status::ok);
    EXPECT_NE(answer.length, 4097u);
    EXPECT_TRUE(test.same(4096));
  }
}

TEST(DeviceFaults, LateDmaIsRefusedWhenTheRequestsMemoryIsClosed) {
  for (const bool reading : {true, false}) {
    Suffering test({"late-dma=#1"});
    std::optional<Buffer> gone;
    gone.emplace(test.board, 4096);
    const auto segments = gone->segments(0, 4096);
    const unsigned slot = test.driver.post({reading ? Type::in : Type::out, 0, segments, reading});
    test.board.timeline.jump_to_next();  // the work; the late access is still due
    gone.reset();
    test.driver.run();
    EXPECT_TRUE(test.driver.answer(slot).done);
    ASSERT_THAT(test.board.refusals, SizeIs(1));
    EXPECT_TRUE(test.board.refusals[0].injected) << "the device's own doing";
    EXPECT_EQ(test.board.refusals[0].to_device, !reading);
    EXPECT_GE(test.board.refusals[0].logical, segments[0].address.value);
    EXPECT_LE(test.board.refusals[0].logical + test.board.refusals[0].length, segments[0].address.value + 4096);
  }
}

TEST(DeviceFaults, LateDmaTouchesNothingWhileSomebodysMappingAllowsThePage) {
  Suffering test({"late-dma=1"});
  ASSERT_EQ(test.driver.in(0, test.back, 0, 4096), Status::ok);
  fill(test.back, 3);  // the page is in use again, and mapped
  const std::vector<std::byte> before(test.back.host(), test.back.host() + 65536);
  while (test.board.timeline.jump_to_next()) {}
  EXPECT_EQ(std::memcmp(test.back.host(), before.data(), before.size()), 0);
  EXPECT_THAT(test.board.refusals, IsEmpty());
}

TEST(DeviceFaults, ADeviceThatIsGoneReadsAllOnesAndDoesNothing) {
  Suffering test({"device-gone=#2"});
  ASSERT_EQ(test.driver.out(0, test.data, 0, 512), Status::ok);
  const unsigned slot = test.driver.post({Type::out, 8, test.data.segments(0, 512), false});
  test.driver.run();
  EXPECT_FALSE(test.driver.answer(slot).done);
  EXPECT_EQ(test.driver.status(), 0xFFu);
  EXPECT_EQ(test.board.bus.read_config(TestBoard::kSlot, pci::kVendorId, 4), ~0u);
  EXPECT_EQ(test.board.disk().statistics().writes, 1u);
  test.driver.set_status(0);
  EXPECT_EQ(test.driver.status(), 0xFFu) << "no reset brings it back";
  EXPECT_EQ(test.board.disk().power_off(), 0) << "what it acknowledged is kept";
}

TEST(DeviceFaults, AMediumErrorMovesNothingAndTheNextRequestWorks) {
  for (const char* device : {"virtio-blk", "virtio-blk,cache=none"}) {
    Suffering test({"medium-error=#2"}, "mem:1M", device);
    ASSERT_EQ(test.driver.out(0, test.data, 0, 4096), Status::ok);
    EXPECT_EQ(test.driver.out(0, test.data, 4096, 4096), Status::io_error);
    EXPECT_EQ(test.driver.in(0, test.back, 0, 4096), Status::ok);
    EXPECT_TRUE(test.same(4096)) << "the write that failed left the disk as it was";
    EXPECT_EQ(test.board.disk().statistics().failed, 1u);
  }
  Suffering reading({"medium-error=#2"});
  ASSERT_EQ(reading.driver.out(0, reading.data, 0, 4096), Status::ok);
  fill(reading.back, 9);
  const std::vector<std::byte> before(reading.back.host(), reading.back.host() + 4096);
  EXPECT_EQ(reading.driver.in(0, reading.back, 0, 4096), Status::io_error);
  EXPECT_EQ(std::memcmp(reading.back.host(), before.data(), 4096), 0) << "nor the buffer";
}

// --- the file behind it ------------------------------------------------------------------------------------------------

TEST(DeviceFaults, ShortTransfersOfTheHostAreGoneOnWith) {
  TestFile file(1u << 20);
  Suffering test({"short-io=1"}, file.path(), "virtio-blk,cache=none");
  ASSERT_EQ(test.driver.out(8, test.data, 0, 65536), Status::ok);
  ASSERT_EQ(test.driver.in(8, test.back, 0, 65536), Status::ok);
  EXPECT_TRUE(test.same(65536));
  EXPECT_GT(test.strikes(FaultPoint::short_io), 4u);
}

TEST(DeviceFaults, NoSpaceIsAnErrorOfTheRequestAndNothingIsLost) {
  TestFile file(1u << 20);
  Suffering test({"enospc=#2"}, file.path(), "virtio-blk,cache=none");
  ASSERT_EQ(test.driver.out(0, test.data, 0, 4096), Status::ok);
  EXPECT_EQ(test.driver.out(0, test.data, 4096, 4096), Status::io_error);
  EXPECT_EQ(test.driver.out(8, test.data, 4096, 4096), Status::ok) << "there is space again";
  ASSERT_EQ(test.driver.in(0, test.back, 0, 8192), Status::ok);
  EXPECT_TRUE(test.same(8192));
}

TEST(DeviceFaults, WhatAFailedFlushCouldNotWriteALaterOneDoes) {
  for (const char* fault : {"enospc=#1", "io-error=#1", "io-error=#2"}) {
    TestFile file(1u << 20);
    Suffering test({fault}, file.path());
    ASSERT_EQ(test.driver.out(0, test.data, 0, 8192), Status::ok);
    EXPECT_EQ(test.driver.flush(), Status::io_error) << fault;
    EXPECT_EQ(test.driver.flush(), Status::ok) << fault;
    test.board.disk().cut_power();
    std::vector<std::byte> on_disk(8192);
    const iovec piece{on_disk.data(), on_disk.size()};
    ASSERT_EQ(test.board.store->read(0, Pieces(&piece, 1)), 0);
    EXPECT_EQ(std::memcmp(on_disk.data(), test.data.host(), 8192), 0) << fault;
  }
}

TEST(DeviceFaults, AnIoErrorOfAReadIsAnErrorOfTheRequest) {
  TestFile file(1u << 20);
  Suffering test({"io-error=#1"}, file.path());
  EXPECT_EQ(test.driver.in(0, test.back, 0, 512), Status::io_error);
  EXPECT_EQ(test.driver.in(0, test.back, 0, 512), Status::ok);
}

// --- all at once -------------------------------------------------------------------------------------------------------

/// Whatever strikes, a read that ends well gives what the last write that ended well put there; what a failed write leaves is
/// the old or the new sector.
class FaultSweep : public testing::TestWithParam<std::uint64_t> {};

std::uint64_t course(std::uint64_t seed, const char* device) {
  TestBoard board({.device = device,
                   .disk = "mem:64K",
                   .seed = seed,
                   .faults = {"lost-interrupt=5%", "spurious-interrupt=20%", "early-interrupt=5%", "interrupt-storm=2%", "wild-index=5%",
                              "descriptor-loop=10%", "no-status=5%", "wrong-length=20%", "late-dma=20%", "medium-error=5%"}});
  TestDriver driver(board);
  driver.distrustful = true;
  driver.start();
  Buffer data(board, 4096);
  Seeded choose(seed);
  std::array<std::set<std::uint8_t>, 128> perhaps;
  perhaps.fill({0});
  std::uint64_t digest = 0;
  for (unsigned i = 0; i < 200; ++i) {
    const std::uint64_t sector = choose.below(128);
    const auto content = static_cast<std::uint8_t>(1 + choose.below(255));
    const bool write = choose.below(2) == 0;
    std::memset(data.host(), write ? content : 0xEE, 512);
    const Answer answer = driver.transact({write ? Type::out : Type::in, sector, data.segments(0, 512), !write});
    const bool well = answer.done && answer.status == Status::ok;
    const auto got = data.get<std::uint8_t>(0);
    if (write && well) perhaps[sector] = {content};
    if (write && !well) perhaps[sector].insert(content);
    if (!write && well) {
      EXPECT_TRUE(perhaps[sector].contains(got)) << "seed " << seed << " request " << i << " sector " << sector;
      EXPECT_THAT(std::vector<std::byte>(data.host(), data.host() + 512), Each(std::byte{got}));
      perhaps[sector] = {got};
    }
    if (!answer.done) driver.start();  // as a driver does after its time-out
    digest = digest * 31 + board.timeline.now() + got + answer.length;
  }
  EXPECT_THAT(board.complaints, IsEmpty()) << "the driver did nothing wrong";
  for (const DmaRefused& refused : board.refusals) EXPECT_TRUE(refused.injected);
  return digest;
}

TEST_P(FaultSweep, NoByteIsWrongAndTheSameSeedIsTheSameCourse) {
  for (const char* device : {"virtio-blk", "virtio-blk,msix=off,cache=none", "virtio-blk,mode=legacy"})
    for (std::uint64_t seed = GetParam() * 20; seed < (GetParam() + 1) * 20; ++seed) ASSERT_EQ(course(seed, device), course(seed, device));
}

INSTANTIATE_TEST_SUITE_P(Seeds, FaultSweep, testing::Range<std::uint64_t>(0, 5));

}  // namespace
}  // namespace drydock::virtio_blk
