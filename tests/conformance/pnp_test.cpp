// Plug and play: a device of the machine's own bus, a function driver on it, a filter above.

#include "workbench.h"

namespace drydock {

namespace {

constexpr std::uint32_t kNoSuchDevice = 0xC000000E;

class Pnp : public testing::Test {
 protected:
  void SetUp() override {
    function = bench.machine().load(fixture("pnp_function")).driver;
    filter = bench.machine().load(fixture("pnp_filter")).driver;
    ASSERT_NE(function, nullptr);
    ASSERT_NE(filter, nullptr);
  }
  void TearDown() override {
    stack.reset();
    EXPECT_EQ(findings_of(bench.stop()), "");
  }
  void add(std::initializer_list<LoadedDriver*> drivers) {
    auto added = bench.machine().add_device(drivers);
    ASSERT_TRUE(added) << std::hex << added.status;
    stack = std::move(added.stack);
  }
  Workbench bench;
  LoadedDriver *function = nullptr, *filter = nullptr;
  std::unique_ptr<DeviceStack> stack;
};

// DOC: VER-190 VER-191
TEST_F(Pnp, a_device_is_opened_when_it_is_started_and_not_before) {
  add({function, filter});
  EXPECT_EQ(bench.client().open("\\Device\\Conformance").status, kNoSuchDevice);
  EXPECT_EQ(stack->start(), 0u);
  EXPECT_TRUE(bench.client().open("\\Device\\Conformance"));
  EXPECT_EQ(stack->query_remove(), 0u);
  EXPECT_EQ(stack->remove(), 0u);
  EXPECT_EQ(bench.client().open("\\Device\\Conformance").status, 0xC0000034u);  // the name has gone with the device
}

TEST_F(Pnp, a_device_is_found_by_its_interface_while_it_is_started) {
  add({function, filter});
  EXPECT_EQ(stack->start(), 0u);
  const auto output = bench.machine().report().debug_output;
  ASSERT_FALSE(output.empty());
  const std::string link = output.back();
  ASSERT_EQ(link.substr(0, 12), "\\??\\DRYDOCK#") << link;
  const std::string path = "\\\\?\\" + link.substr(4);
  EXPECT_TRUE(bench.client().open(path));
  EXPECT_EQ(stack->remove(), 0u);
  EXPECT_EQ(bench.client().open(path).status, 0xC0000034u);
}

TEST_F(Pnp, the_bus_answers_what_drivers_pass_down) {
  add({function, filter});
  EXPECT_EQ(stack->start(), 0u);
  EXPECT_EQ(stack->query_capabilities(), 0u);
  EXPECT_EQ(stack->device_id(), "DRYDOCK\\Device");
  EXPECT_EQ(stack->query_power(3), 0u);
  EXPECT_EQ(stack->set_power(3), 0u);
  EXPECT_EQ(stack->set_power(0), 0u);
}

TEST_F(Pnp, a_surprise_removal_leaves_the_device_to_be_removed) {
  add({function});
  EXPECT_EQ(stack->start(), 0u);
  EXPECT_EQ(stack->surprise_removal(), 0u);
  EXPECT_EQ(bench.client().open("\\Device\\Conformance").status, kNoSuchDevice);
  EXPECT_EQ(stack->remove(), 0u);
  EXPECT_EQ(stack->start(), kNoSuchDevice);
}

// What stands when the machine stops is removed then.
TEST_F(Pnp, a_stack_that_nobody_removed_is_removed_with_the_machine) {
  add({function, filter});
  EXPECT_EQ(stack->start(), 0u);
}

TEST_F(Pnp, a_driver_without_add_device_takes_no_device) {
  const auto plain = bench.machine().load(fixture("ramdisk_buffered"));
  ASSERT_TRUE(plain);
  const auto added = bench.machine().add_device({plain.driver});
  EXPECT_FALSE(added);
  EXPECT_EQ(added.status, 0xC0000010u);  // STATUS_INVALID_DEVICE_REQUEST
}

}  // namespace

}  // namespace drydock
