// Requests that no careful program would send, and memory that goes away while one is in flight: an error status or a finding,
// never a crash, and nothing that is not the client's changes.

#include "workbench.h"

namespace drydock {

namespace {
constexpr std::uint32_t kAccessViolation = 0xC0000005, kInsufficientResources = 0xC000009A;
constexpr std::uint32_t kLongest = 0xFFFF'FFFF;
}  // namespace

class BadRequests : public testing::Test {
 protected:
  void use(const std::string& driver) {
    bench.with(driver);
    device = bench.open();
  }
  void TearDown() override {
    device.reset();
    EXPECT_EQ(findings_of(bench.stop()), "");
  }
  Workbench bench;
  std::unique_ptr<Device> device;
};

// DOC: BUF-20 BUF-43
TEST_F(BadRequests, lengths_that_no_memory_has_are_refused) {
  use("control_methods");
  const Buffer some = bench.buffer(100);
  for (const std::uint32_t method : {kBuffered, kInDirect, kOutDirect}) {
    const Answer answer = device->control(control_code(1, method), {}, {some.address, kLongest});
    EXPECT_EQ(answer.status, kAccessViolation) << method;
    EXPECT_FALSE(answer.reached_driver);
  }
  const Answer in = device->control(control_code(0, kBuffered), {some.address, kLongest}, {});
  EXPECT_TRUE(in.status == kAccessViolation || in.status == kInsufficientResources) << std::hex << in.status;
  EXPECT_TRUE(device->control(control_code(2, kNeither), {some.address, kLongest}, {1, kLongest}).reached_driver);
}

TEST_F(BadRequests, null_with_a_length_is_no_memory_and_a_length_of_nothing_needs_none) {
  use("control_methods");
  EXPECT_EQ(device->control(control_code(0, kBuffered), {0, 8}, {}).status, kAccessViolation);
  EXPECT_EQ(device->control(control_code(1, kOutDirect), {}, {0, 8}).status, kAccessViolation);
  EXPECT_EQ(device->control(control_code(1, kOutDirect), {}, {0x1234'5678, 0}).status, 0u);
  EXPECT_EQ(device->control(control_code(0, kBuffered), {0x1234'5678, 0}, {}).status, 0xC0000023u);
}

TEST_F(BadRequests, a_buffer_may_not_reach_into_system_space) {
  use("control_methods");
  const Buffer some = bench.buffer(4096);
  const std::uint64_t end_of_user_space = (some.address & ~0x7'FFFF'FFFFull) + 0x8'0000'0000;  // MmUserProbeAddress
  for (const std::uint64_t address : {end_of_user_space - 8, end_of_user_space, end_of_user_space + 4096, ~std::uint64_t{0} - 4})
    for (const std::uint32_t method : {kBuffered, kInDirect, kOutDirect}) {
      EXPECT_EQ(device->control(control_code(1, method), {}, {address, 16}).status, kAccessViolation) << std::hex << address;
      EXPECT_FALSE(device->control(control_code(1, method), {address, 16}, {}).reached_driver) << std::hex << address;
    }
}

// DOC: BUF-23
TEST_F(BadRequests, overlapping_buffers_are_read_first_and_written_last) {
  use("control_methods");
  const Buffer both = bench.buffer(200);
  bench.client().store(both, std::as_bytes(std::span(std::string_view("Q"))));
  ASSERT_EQ(device->control(control_code(0, kBuffered), both.part(0, 1), both).status, 0u);
  EXPECT_EQ(bench.value_at<std::uint64_t>(both), 0x100u + 'Q');
}

// DOC: BUF-21 BUF-67
TEST_F(BadRequests, a_buffered_read_whose_buffer_went_away_ends_with_an_access_violation) {
  use("irp_queue");
  for (const bool unmapped : {true, false}) {
    const Buffer to = bench.buffer(16), beside = bench.buffer(16);
    const auto read = device->start_read(to);
    ASSERT_FALSE(read->done());
    ASSERT_TRUE(unmapped ? bench.client().unmap(to) : bench.client().protect(to, Protection::read));
    EXPECT_EQ(device->write(bench.holding("0123456789abcdef")).information, 16u);
    const Answer answer = read->wait();
    EXPECT_EQ(answer.status, kAccessViolation);
    EXPECT_EQ(bench.text_at(beside), std::string(16, '\0'));
  }
}

// DOC: BUF-21
TEST_F(BadRequests, a_buffer_that_was_replaced_while_the_request_waited_gets_the_data) {
  use("irp_queue");
  const Buffer to = bench.buffer(16);
  const auto read = device->start_read(to);
  ASSERT_TRUE(bench.client().unmap(to));
  ASSERT_TRUE(bench.client().remap(to));
  device->write(bench.holding("0123456789abcdef"));
  EXPECT_EQ(read->wait().status, 0u);
  EXPECT_EQ(bench.text_at(to), "0123456789abcdef");
}

// DOC: BUF-62
TEST_F(BadRequests, another_process_memory_is_none_of_this_process) {
  use("irp_queue");
  const auto other = bench.machine().client("other");
  const Buffer theirs = other->allocate(64);
  EXPECT_EQ(device->read(theirs).status, kAccessViolation);
  EXPECT_EQ(device->write(theirs).status, kAccessViolation);
}

TEST_F(BadRequests, a_handle_is_closed_with_requests_in_flight_and_they_end) {
  use("irp_queue");
  auto read = device->start_read(bench.buffer(16));
  EXPECT_TRUE(read->cancel());
  EXPECT_FALSE(read->cancel());
  EXPECT_EQ(read->wait().status, 0xC0000120u);
}

// DOC: MDL-27 MDL-28 a mapping may fail: the driver says so, and goes on with the next request.
TEST(Mappings, that_fail_on_demand_are_survived_by_a_driver_that_looks) {
  Options options;
  options.faults = {"no-mapping=1/2"};
  Workbench bench(options);
  ASSERT_TRUE(bench.machine().load(std::string(DRYDOCK_TEST_DRIVERS) + "/ddmem.sys"));
  {
    const auto device = bench.open("\\\\.\\DdMem");
    const Buffer to = bench.buffer(4096, {.offset = 100});
    unsigned refused = 0;
    for (int i = 0; i < 64; ++i) {
      const std::uint32_t status = device->read(to).status;
      EXPECT_TRUE(status == 0 || status == kInsufficientResources) << std::hex << status;
      refused += status != 0;
    }
    EXPECT_GT(refused, 10u);
    EXPECT_LT(refused, 54u);
  }
  EXPECT_EQ(findings_of(bench.stop()), "");
}

}  // namespace drydock
