// Queues of requests: StartIo takes one at a time, a cancel-safe queue gives them back; cancelled in every state.

#include "workbench.h"

namespace drydock {

namespace {

constexpr std::uint32_t kCancelled = 0xC0000120;

class Queues : public testing::Test {
 protected:
  void load(const char* driver) {
    bench.with(driver);
    device = bench.open();
  }
  void TearDown() override {
    device.reset();
    EXPECT_EQ(findings_of(bench.stop()), "");
  }
  std::unique_ptr<Request> start_read(Buffer to, std::uint64_t offset = 0) { return device->start_read(to, offset); }
  Workbench bench;
  std::unique_ptr<Device> device;
};

using StartIo = Queues;
using CancelSafeQueue = Queues;

// DOC: VER-84 VER-115
TEST_F(StartIo, requests_are_served_one_after_another_in_the_order_they_came) {
  load("start_io");
  std::vector<Buffer> buffers;
  std::vector<std::unique_ptr<Request>> requests;
  for (unsigned i = 0; i < 6; ++i) {
    buffers.push_back(bench.buffer(4));
    requests.push_back(start_read(buffers.back()));
  }
  for (unsigned i = 0; i < 6; ++i) {
    EXPECT_EQ(requests[i]->wait().status, 0u);
    EXPECT_EQ(bench.value_at<std::uint32_t>(buffers[i]), i + 1);
  }
}

TEST_F(StartIo, keys_order_what_waits) {
  load("start_io");
  std::vector<Buffer> buffers;
  std::vector<std::unique_ptr<Request>> requests;
  for (const std::uint64_t key : {50u, 30u, 20u, 40u}) {  // the first is under way at once
    buffers.push_back(bench.buffer(4));
    requests.push_back(start_read(buffers.back(), key));
  }
  for (auto& request : requests) EXPECT_EQ(request->wait().status, 0u);
  EXPECT_EQ(bench.value_at<std::uint32_t>(buffers[0]), 1u);
  EXPECT_EQ(bench.value_at<std::uint32_t>(buffers[2]), 2u);  // 20
  EXPECT_EQ(bench.value_at<std::uint32_t>(buffers[1]), 3u);  // 30
  EXPECT_EQ(bench.value_at<std::uint32_t>(buffers[3]), 4u);  // 40
}

// DOC: BUF-116
TEST_F(StartIo, what_waits_can_be_cancelled_and_what_is_under_way_ends_by_itself) {
  load("start_io");
  const Buffer first = bench.buffer(4), second = bench.buffer(4), third = bench.buffer(4);
  auto under_way = start_read(first), waiting = start_read(second), last = start_read(third);
  EXPECT_TRUE(waiting->cancel());
  EXPECT_FALSE(under_way->cancel());
  EXPECT_EQ(waiting->wait().status, kCancelled);
  EXPECT_EQ(under_way->wait().status, 0u);
  EXPECT_EQ(last->wait().status, 0u);
  EXPECT_EQ(bench.value_at<std::uint32_t>(third), 2u);
}

// DOC: VER-115
TEST_F(StartIo, with_the_deferred_attribute_start_io_may_start_the_next_request) {
  load("starts_next_in_start_io_twin");
  for (unsigned i = 1; i <= 3; ++i) {
    const Buffer to = bench.buffer(4);
    EXPECT_EQ(device->read(to).status, 0u);
    EXPECT_EQ(bench.value_at<std::uint32_t>(to), i);
  }
}

TEST_F(CancelSafeQueue, gives_requests_back_in_order_and_by_context) {
  load("cancel_safe_queue");
  auto first = start_read(bench.buffer(4), 1), second = start_read(bench.buffer(4), 0), third = start_read(bench.buffer(4), 0);
  EXPECT_EQ(device->control(control_code(0, kBuffered), {}, {}).status, 0u);
  EXPECT_EQ(first->wait().status, 0u);
  EXPECT_FALSE(second->done());
  EXPECT_EQ(device->control(control_code(1, kBuffered), {}, {}).status, 0xC000000Eu);  // its context forgot it
  EXPECT_EQ(device->control(control_code(0, kBuffered), {}, {}).status, 0u);
  EXPECT_EQ(second->wait().status, 0u);
  EXPECT_EQ(device->control(control_code(0, kBuffered), {}, {}).status, 0u);
  EXPECT_EQ(third->wait().status, 0u);
}

// DOC: BUF-116
TEST_F(CancelSafeQueue, completes_what_is_cancelled_and_forgets_it) {
  load("cancel_safe_queue");
  auto first = start_read(bench.buffer(4), 1), second = start_read(bench.buffer(4), 0);
  EXPECT_TRUE(first->cancel());
  EXPECT_EQ(first->wait().status, kCancelled);
  EXPECT_EQ(device->control(control_code(1, kBuffered), {}, {}).status, 0xC000000Eu);
  EXPECT_EQ(device->control(control_code(0, kBuffered), {}, {}).status, 0u);
  EXPECT_EQ(second->wait().status, 0u);
  EXPECT_EQ(device->control(control_code(0, kBuffered), {}, {}).status, 0xC000000Eu);
}

}  // namespace

}  // namespace drydock
