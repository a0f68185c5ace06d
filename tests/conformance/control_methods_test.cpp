// What a driver is given with a control code of each method.

#include "workbench.h"

namespace drydock {

struct Seen {
  std::uint64_t system_buffer, user_buffer, type3_input_buffer, mdl_address;
  std::uint32_t input_length, output_length, flags, mdl_bytes;
};

class ControlMethods : public testing::Test {
 protected:
  void SetUp() override {
    bench.with("control_methods");
    device = bench.open();
  }
  void TearDown() override {
    device.reset();
    EXPECT_EQ(findings_of(bench.stop()), "");
  }
  Workbench bench;
  std::unique_ptr<Device> device;
};

// DOC: BUF-23 BUF-24 BUF-29 BUF-31
TEST_F(ControlMethods, buffered_has_one_system_buffer_and_the_callers_output_address) {
  const Buffer in = bench.holding("A"), out = bench.buffer(100);
  const Answer answer = device->control(control_code(0, kBuffered), in, out);
  ASSERT_EQ(answer.status, 0u);
  const auto seen = bench.value_at<Seen>(out);
  EXPECT_EQ(seen.system_buffer, 0x100u + 'A');
  EXPECT_EQ(seen.user_buffer, out.address);
  EXPECT_EQ(seen.mdl_address, 0u);
  EXPECT_EQ(seen.input_length, 1u);
  EXPECT_EQ(seen.output_length, 100u);
  EXPECT_EQ(seen.flags & 0x70u, 0x70u);  // IRP_BUFFERED_IO, IRP_DEALLOCATE_BUFFER, IRP_INPUT_OPERATION
}

// DOC: BUF-42
TEST_F(ControlMethods, direct_has_an_mdl_of_the_second_buffer_in_both_directions) {
  const Buffer in = bench.holding("B"), out = bench.buffer(5000, {.offset = 4000});
  EXPECT_EQ(device->control(control_code(1, kOutDirect), in, out).information, 5000u);
  EXPECT_EQ(device->control(control_code(1, kInDirect), in, out).information, 5000u);
}

// DOC: BUF-42 BUF-43
TEST_F(ControlMethods, in_direct_asks_for_read_access_to_the_second_buffer_and_out_direct_for_write_access) {
  const Buffer data = bench.holding("Z");
  ASSERT_TRUE(bench.client().protect(data, Protection::read));
  EXPECT_EQ(device->control(control_code(1, kInDirect), {}, data).information, 1u);
  const Answer refused = device->control(control_code(1, kOutDirect), {}, data);
  EXPECT_EQ(refused.status, 0xC0000005u);
  EXPECT_FALSE(refused.reached_driver);
}

// DOC: BUF-44
TEST_F(ControlMethods, no_mdl_is_made_for_no_bytes) {
  const Answer answer = device->control(control_code(1, kOutDirect), bench.holding("x"), {});
  EXPECT_EQ(answer.status, 0u);
  EXPECT_EQ(answer.information, 0u);
}

// DOC: BUF-61
TEST_F(ControlMethods, neither_hands_over_raw_addresses_valid_or_not) {
  const Answer answer = device->control(control_code(2, kNeither), {0x1234, 10}, {0xFFFF'0000, 20});
  EXPECT_TRUE(answer.reached_driver);
  EXPECT_EQ(answer.information, std::uint64_t{0x1234} ^ 0xFFFF'0000u);
}

// DOC: BUF-81
TEST_F(ControlMethods, an_error_brings_no_data_back) {
  const Buffer out = bench.holding("untouched");
  EXPECT_EQ(device->control(control_code(0, kBuffered), {}, out).status, 0xC0000023u);  // STATUS_BUFFER_TOO_SMALL
  EXPECT_EQ(bench.text_at(out), "untouched");
}

// DOC: BUF-80 BUF-81
TEST_F(ControlMethods, a_warning_brings_its_data_and_their_count_back) {
  const Buffer out = bench.holding("untouched");
  const Answer answer = device->control(control_code(3, kBuffered), {}, out);
  EXPECT_EQ(answer.status, 0x80000005u);
  EXPECT_EQ(answer.information, 4u);
  EXPECT_EQ(bench.text_at(out), "moreuched");
}

// DOC: BUF-06
TEST_F(ControlMethods, a_handle_without_the_access_that_the_code_asks_for_never_reaches_the_driver) {
  device.reset();
  device = bench.open("\\\\.\\Conformance", Access::read);
  const Answer answer = device->control(control_code(0, kBuffered, 2), {}, bench.buffer(100));
  EXPECT_EQ(answer.status, 0xC0000022u);
  EXPECT_FALSE(answer.reached_driver);
}

// DOC: BUF-20
TEST_F(ControlMethods, a_buffer_the_client_may_not_touch_is_refused_before_any_driver_sees_it) {
  const Buffer out = bench.buffer(4096);
  bench.client().unmap(out);
  const Answer answer = device->control(control_code(0, kBuffered), {}, out);
  EXPECT_EQ(answer.status, 0xC0000005u);
  EXPECT_FALSE(answer.reached_driver);
  EXPECT_FALSE(device->control(control_code(0, kBuffered), {0x10, 8}, {}).reached_driver);
}

}  // namespace drydock
