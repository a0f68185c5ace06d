// What a wrong driver, or a hostile one, can leave in rings and registers: the device says what is wrong, stops when it
// must, touches nothing it was not given, and works again after a reset.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/seeded.h"
#include "devices/virtio_blk/test_driver.h"

namespace drydock::virtio_blk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using virtio::Descriptor;

class MalformedTest : public testing::Test {
 protected:
  MalformedTest() : board({}), driver(board), page(board, 2 * kPageSize, true) {
    driver.start();
    page.put(0, Header{Type::in, 0, 0});
  }
  void put(std::uint16_t index, const Descriptor& d) { driver.queue().memory.put(16u * index, d); }
  void put_table(std::uint32_t index, const Descriptor& d) { page.put(1024 + 16 * index, d); }
  Descriptor header(std::uint16_t next) const { return {page.at(0).value, 16, virtio::kNext, next}; }
  Descriptor data(std::uint16_t next) const { return {page.at(4096).value, 512, virtio::kNext | virtio::kWrite, next}; }
  Descriptor status() const { return {page.at(16).value, 1, virtio::kWrite, 0}; }
  void go(std::uint16_t head, std::uint16_t advance = 1) {
    TestDriver::Queue& queue = driver.queue();
    queue.memory.put(queue.available + virtio::available::entry(queue.available_index % queue.size), head);
    queue.available_index = static_cast<std::uint16_t>(queue.available_index + advance);
    queue.memory.put(queue.available + virtio::available::kIndex, queue.available_index);
    driver.doorbell(0);
    board.timeline.jump_to_next();
  }
  void expect_stopped(const char* why) {
    EXPECT_THAT(board.complaints, ElementsAre(HasSubstr(why)));
    EXPECT_NE(driver.status() & virtio::kNeedsReset, 0);
    EXPECT_EQ(board.messages[TestDriver::kFirstVector], 1u) << "the driver is told by the configuration interrupt";
    const auto reads = board.disk().statistics().reads;
    driver.doorbell(0);
    EXPECT_FALSE(board.timeline.jump_to_next()) << "a broken device does nothing";
    EXPECT_EQ(board.disk().statistics().reads, reads);
    EXPECT_EQ(board.complaints.size(), 1u);
    driver.start();
    EXPECT_EQ(driver.status() & virtio::kNeedsReset, 0);
    EXPECT_EQ(driver.in(0, page, 4096, 512), Status::ok) << "a reset must repair it";
  }
  TestBoard board;
  TestDriver driver;
  Buffer page;
};

TEST_F(MalformedTest, AHeadOutsideTheQueueStopsIt) {
  go(256);
  expect_stopped("names descriptor 256");
}

TEST_F(MalformedTest, AnAvailableIndexThatJumpsStopsIt) {
  go(0, 257);
  expect_stopped("more than the 256 entries");
}

TEST_F(MalformedTest, AChainThatLoopsStopsIt) {
  put(0, header(1));
  put(1, {page.at(512).value, 16, virtio::kNext, 0});
  go(0);
  expect_stopped("a loop");
}

TEST_F(MalformedTest, ALinkOutsideTheQueueStopsIt) {
  put(0, header(256));
  go(0);
  expect_stopped("links to descriptor 256");
}

TEST_F(MalformedTest, ADescriptorWithoutLengthStopsIt) {
  put(0, header(1));
  put(1, {page.at(4096).value, 0, virtio::kNext | virtio::kWrite, 2});
  put(2, status());
  go(0);
  expect_stopped("has no length");
}

TEST_F(MalformedTest, AReadableDescriptorAfterAWritableOneStopsIt) {
  put(0, header(1));
  put(1, data(2));
  put(2, {page.at(512).value, 16, virtio::kNext, 3});
  put(3, status());
  go(0);
  expect_stopped("comes after a writable one");
}

TEST_F(MalformedTest, ARequestWithoutStatusOrWithHalfAHeaderStopsIt) {
  put(0, {page.at(0).value, 16, 0, 0});
  go(0);
  expect_stopped("no room for a request's header");
  board.complaints.clear();
  board.messages.clear();
  put(0, {page.at(0).value, 15, virtio::kNext, 1});
  put(1, status());
  go(0);
  expect_stopped("no room for a request's header");
}

TEST_F(MalformedTest, ABadIndirectTableStopsIt) {
  const std::uint64_t table = page.at(1024).value;
  const struct {
    Descriptor descriptor;
    const char* why;
    std::function<void()> prepare;
  } cases[] = {
      {{table, 17, virtio::kIndirect, 0}, "17 bytes", [] {}},
      {{table, 0, virtio::kIndirect, 0}, "0 bytes", [] {}},
      {{table, 32, virtio::kIndirect | virtio::kNext, 1}, "with NEXT", [] {}},
      {{table, 32, virtio::kIndirect, 0}, "links to descriptor 2, of 2", [&] { put_table(0, header(2)); }},
      {{table, 32, virtio::kIndirect, 0}, "inside an indirect table", [&] { put_table(0, {table, 16, virtio::kIndirect, 0}); }},
      {{table, 32, virtio::kIndirect, 0}, "a loop", [&] { put_table(0, header(0)); }},
      {{0xD000'0000, 32, virtio::kIndirect, 0}, "out of reach", [] {}},
      {{~0ull - 7, 64, virtio::kIndirect, 0}, "out of reach", [] {}},
  };
  for (const auto& c : cases) {
    c.prepare();
    put(0, c.descriptor);
    go(0);
    expect_stopped(c.why);
    board.complaints.clear();
    board.messages.clear();
  }
}

TEST_F(MalformedTest, AnIndirectTableThatWasNotNegotiatedStopsIt) {
  driver.start(~virtio::kIndirectDescriptors);
  put(0, {page.at(1024).value, 32, virtio::kIndirect, 0});
  go(0);
  EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("not negotiated")));
}

TEST_F(MalformedTest, DataTheDeviceCannotReachIsAnErrorOfThatRequestOnly) {
  put(0, header(1));
  put(1, {0xD000'0000, 512, virtio::kNext | virtio::kWrite, 2});
  put(2, status());
  page.put(16, std::uint8_t{0xFF});
  go(0);
  EXPECT_EQ(page.get<std::uint8_t>(16), 1u);
  EXPECT_EQ(driver.status() & virtio::kNeedsReset, 0);
  EXPECT_EQ(board.master.refused(), 1u);
}

TEST_F(MalformedTest, DataOutsideTheWindowIsNeitherReadNorWritten) {
  Buffer closed(board, 4096);
  std::memset(closed.host(), 0x77, 4096);
  board.window.close(closed.run().first, DmaDirection::from_device);
  EXPECT_EQ(driver.in(0, closed, 0, 4096), Status::io_error);
  EXPECT_EQ(closed.get<std::uint8_t>(0), 0x77u);
  EXPECT_EQ(driver.out(0, closed, 0, 4096), Status::ok);
  board.window.open(closed.run().first, DmaDirection::from_device);
}

TEST_F(MalformedTest, RingsThatLeaveTheWindowStopTheDevice) {
  const PageRun ring = driver.queue().memory.run();
  board.window.close(ring.first, DmaDirection::both);
  driver.doorbell(0);
  board.timeline.jump_to_next();
  EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("rings lie in memory")));
  EXPECT_NE(driver.status() & virtio::kNeedsReset, 0);
  board.window.open(ring.first, DmaDirection::both);
}

TEST_F(MalformedTest, TooManyAndTooLongSegmentsAreRefused) {
  TestBoard small({.device = "virtio-blk,seg_max=2,size_max=1024"});
  TestDriver other(small);
  other.start();
  Buffer buffer(small, 4 * 4096, true);
  const auto piece = [&](std::uint64_t offset, std::uint32_t length) { return virtio::Segment{buffer.at(offset), length}; };
  EXPECT_EQ(other.transact({Type::in, 0, {piece(0, 512), piece(4096, 1024)}, true}).status, Status::ok);
  EXPECT_EQ(other.transact({Type::in, 0, {piece(0, 512), piece(4096, 512), piece(8192, 512)}, true}).status, Status::io_error);
  EXPECT_EQ(other.transact({Type::in, 0, {piece(0, 1536)}, true}).status, Status::io_error);
  EXPECT_THAT(small.complaints, ElementsAre(HasSubstr("seg_max"), HasSubstr("size_max")));
}

TEST_F(MalformedTest, RegistersRefuseWhatTheStandardForbids) {
  using virtio::CommonConfig;
  const struct {
    std::function<void()> act;
    const char* why;
  } cases[] = {
      {[&] { driver.set_common(offsetof(CommonConfig, device_status), 2, 0xF); }, "no field"},
      {[&] { driver.set_common(offsetof(CommonConfig, num_queues), 2, 1); }, "no field"},
      {[&] { driver.set_common(offsetof(CommonConfig, queue_size), 2, 100); }, "cannot have 100 entries"},
      {[&] { driver.set_common(offsetof(CommonConfig, queue_size), 2, 512); }, "cannot have 512 entries"},
      {[&] { driver.set_common(offsetof(CommonConfig, queue_enable), 2, 1); }, "enabled once"},
      {[&] { driver.set_common(offsetof(CommonConfig, queue_desc), 4, 0); }, "addresses cannot change"},
      {[&] { driver.set_common(offsetof(CommonConfig, driver_feature), 4, 0); }, "after FEATURES_OK"},
      {[&] { driver.set_status(virtio::kAcknowledge); }, "cleared without a reset"},
      {[&] { driver.doorbell(1); }, "not enabled"},
      {[&] { driver.doorbell(7); }, "no such queue"},
      {[&] {
         driver.set_common(offsetof(CommonConfig, queue_select), 2, 9);
         driver.set_common(offsetof(CommonConfig, queue_enable), 2, 1);
       },
       "does not exist"},
  };
  for (const auto& c : cases) {
    board.complaints.clear();
    driver.set_common(offsetof(CommonConfig, queue_select), 2, 0);
    c.act();
    ASSERT_FALSE(board.complaints.empty()) << c.why;
    EXPECT_THAT(board.complaints.back(), HasSubstr(c.why));
  }
  EXPECT_EQ(driver.in(0, page, 4096, 512), Status::ok) << "none of this stops a device";
}

TEST_F(MalformedTest, AQueueWithMisalignedOrUnreachableRingsCannotBeEnabled) {
  using virtio::CommonConfig;
  for (const auto& [field, low] : {std::pair{offsetof(CommonConfig, queue_desc), 8u}, {offsetof(CommonConfig, queue_driver), 1u},
                                   {offsetof(CommonConfig, queue_device), 2u}, {offsetof(CommonConfig, queue_desc), 0xD000'0000u}}) {
    board.complaints.clear();
    ASSERT_TRUE(driver.negotiate());
    driver.set_common(offsetof(CommonConfig, queue_select), 2, 0);
    driver.set_common(static_cast<std::uint32_t>(field), 4, low);
    driver.set_common(offsetof(CommonConfig, queue_enable), 2, 1);
    ASSERT_EQ(board.complaints.size(), 1u);
    EXPECT_THAT(board.complaints[0], testing::AnyOf(HasSubstr("misaligned"), HasSubstr("cannot reach")));
    EXPECT_NE(driver.status() & virtio::kNeedsReset, 0);
  }
}

TEST_F(MalformedTest, DoorbellsBeforeDriverOkAreReportedAndDoNothing) {
  ASSERT_TRUE(driver.negotiate());
  driver.start_queue(0);
  driver.doorbell(0);
  EXPECT_FALSE(board.timeline.jump_to_next());
  EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("before DRIVER_OK")));
}

/// Rings, tables and headers full of random bytes: no crash, and no byte outside the window changes.
class NoiseTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(NoiseTest, RandomMemoryNeverReachesWhatTheDeviceWasNotGiven) {
  TestBoard board({.disk = "mem:64K", .seed = GetParam()});
  TestDriver driver(board);
  Buffer open(board, 8 * kPageSize, true);
  const auto guard = board.memory->allocate(64);
  for (std::uint32_t i = 0; i < guard->count; ++i) std::memset(board.memory->system(guard->first + i), 0x3C, kPageSize);
  Seeded random(GetParam());
  unsigned stopped = 0, served = 0;
  for (unsigned round = 0; round < 3000; ++round) {
    driver.start(~virtio::Features{0}, 1, 16);
    TestDriver::Queue& queue = driver.queue();
    const auto some_address = [&]() -> std::uint64_t {
      switch (random.below(8)) {
        case 0: return board.memory->pfn(guard->first + static_cast<std::uint32_t>(random.below(64))) << kPageShift;
        case 1: return random.next();
        default: return open.at(random.below(8 * kPageSize) & ~(random.below(2) == 0 ? 15ull : 0ull)).value;
      }
    };
    const auto some_descriptor = [&](std::uint64_t count) {
      const auto flags = static_cast<std::uint16_t>(random.below(16) == 0 ? random.next() : random.below(8) == 0 ? 4 : random.below(4));
      const auto length = static_cast<std::uint32_t>(random.below(16) == 0 ? random.next() : 16 * (1 + random.below(64)));
      return Descriptor{some_address(), random.below(2) == 0 ? 16u : length, flags, static_cast<std::uint16_t>(random.below(count))};
    };
    for (std::uint64_t i = 0; i < 8 * kPageSize / 16; ++i)
      if (random.below(4) == 0)
        open.put(16 * i, Header{static_cast<Type>(random.below(15)), 0, random.below(160)});
      else
        open.put(16 * i, some_descriptor(8));
    for (std::uint16_t i = 0; i < 16; ++i) {  // mostly something like requests: header, data, status, spare
      const auto next = static_cast<std::uint16_t>(i + 1);
      const Descriptor likely[] = {{open.at(16 * random.below(2048)).value, 16, virtio::kNext, next},
                                   {some_address(), 512, static_cast<std::uint16_t>(random.below(2) * 2 + 1), next},
                                   {some_address(), 1, virtio::kWrite, 0},
                                   some_descriptor(17)};
      queue.memory.put(16u * i, random.below(8) == 0 ? some_descriptor(17) : likely[i % 4]);
      queue.memory.put(queue.available + virtio::available::entry(i),
                       static_cast<std::uint16_t>(random.below(8) == 0 ? random.below(17) : 4 * random.below(4)));
    }
    queue.memory.put(queue.available + virtio::available::kIndex, static_cast<std::uint16_t>(random.below(18)));
    const auto used_before = queue.memory.get<std::uint16_t>(queue.used + virtio::used::kIndex);
    driver.doorbell(0);
    while (board.timeline.jump_to_next()) {
    }
    served += static_cast<std::uint16_t>(queue.memory.get<std::uint16_t>(queue.used + virtio::used::kIndex) - used_before);
    stopped += (driver.status() & virtio::kNeedsReset) != 0;
  }
  EXPECT_GT(stopped, 500u);
  EXPECT_GT(served, 500u) << "noise that never gets past the ring tests nothing";
  for (std::uint32_t i = 0; i < guard->count; ++i)
    for (std::uint64_t b = 0; b < kPageSize; ++b) ASSERT_EQ(board.memory->system(guard->first + i)[b], std::byte{0x3C});
}

INSTANTIATE_TEST_SUITE_P(Seeds, NoiseTest, testing::Values(1, 77));

}  // namespace
}  // namespace drydock::virtio_blk
