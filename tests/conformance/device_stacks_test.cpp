// Stacks of two drivers: a filter above a driver that keeps data. Every documented way to forward a request, or to make one,
// brings the data through, and is not accused of anything.

#include "workbench.h"

namespace drydock {

namespace {

struct Stack {
  const char *lowest, *filter;
};
void PrintTo(const Stack& stack, std::ostream* out) { *out << stack.filter << " above " << stack.lowest; }

std::string name_of_stack(const testing::TestParamInfo<Stack>& info) { return std::string(info.param.filter) + "_above_" + info.param.lowest; }

class Stacks : public testing::TestWithParam<Stack> {
 protected:
  void SetUp() override { bench.with(GetParam().lowest).with(GetParam().filter); }
  void expect_silence() { EXPECT_EQ(findings_of(bench.stop()), ""); }
  static std::string pattern(std::size_t bytes, unsigned seed) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>((i * 31 + seed) >> (i % 3));
    return text;
  }
  Workbench bench;
};

class StacksThatTransfer : public Stacks {};

// DOC: BUF-08 BUF-09 BUF-90 BUF-92 BUF-93 VER-112 VER-113 VER-114
TEST_P(StacksThatTransfer, bring_the_data_down_and_up) {
  {
    auto device = bench.open();
    const std::string first = pattern(5000, 7), second = pattern(3000, 90);
    const Buffer from = bench.buffer(5000, {.offset = 12}), to = bench.buffer(5000, {.offset = 4000, .pages = Layout::Pages::scattered});
    bench.client().store(from, std::as_bytes(std::span(first)));
    EXPECT_EQ(device->write(from, 0).information, 5000u);
    EXPECT_EQ(device->read(to, 0).information, 5000u);
    EXPECT_EQ(bench.text_at(to), first);
    bench.client().store(from, std::as_bytes(std::span(second)));
    EXPECT_EQ(device->write(from.part(0, 3000), 0).status, 0u);
    EXPECT_EQ(device->read(to.part(0, 4000), 0).status, 0u);
    EXPECT_EQ(bench.text_at(to.part(0, 4000)), second + first.substr(3000, 1000));
  }
  expect_silence();
}

TEST_P(StacksThatTransfer, pass_an_error_up_without_data) {
  {
    auto device = bench.open();
    const Buffer to = bench.holding("untouched");
    const Answer answer = device->read(to, 1 << 20);
    EXPECT_EQ(answer.status, 0xC000000Du);  // STATUS_INVALID_PARAMETER
    EXPECT_EQ(bench.text_at(to), "untouched");
  }
  expect_silence();
}

std::vector<Stack> each_above(std::initializer_list<const char*> lowest, std::initializer_list<const char*> filters) {
  std::vector<Stack> stacks;
  for (const char* low : lowest)
    for (const char* filter : filters) stacks.push_back({low, filter});
  return stacks;
}

INSTANTIATE_TEST_SUITE_P(Forwarding, StacksThatTransfer, testing::ValuesIn(each_above({"ramdisk", "ramdisk_later", "ramdisk_buffered", "ramdisk_buffered_later"},
    {"forwards_and_forgets", "forwards_and_waits", "forwards_synchronously", "looks_on_the_way_up", "completes_on_the_way_up",
     "pends_and_forwards", "forwards_twice"})), name_of_stack);
INSTANTIATE_TEST_SUITE_P(Making, StacksThatTransfer, testing::ValuesIn(each_above({"ramdisk", "ramdisk_later", "ramdisk_buffered", "ramdisk_buffered_later"},
    {"builds_synchronously", "keeps_its_synchronous_irp", "builds_asynchronously", "allocates_its_irp"})), name_of_stack);

INSTANTIATE_TEST_SUITE_P(Associating, StacksThatTransfer, testing::ValuesIn(each_above({"ramdisk", "ramdisk_later"}, {"associates_two"})), name_of_stack);

class StacksThatControl : public Stacks {};

// DOC: BUF-13 BUF-90 BUF-91
TEST_P(StacksThatControl, ask_the_driver_below_by_control_codes_of_their_own) {
  {
    auto device = bench.open();
    const Buffer out = bench.buffer(4);
    EXPECT_EQ(device->control(control_code(0, kBuffered), {}, out).information, 4u);
    EXPECT_EQ(bench.value_at<std::uint32_t>(out), 0x6000u);
    const std::string text = pattern(600, 3);
    const Buffer from = bench.holding(text), to = bench.buffer(600);
    EXPECT_EQ(device->write(from, 0).information, 600u);  // by an internal control code
    EXPECT_EQ(device->read(to, 0).information, 600u);
    EXPECT_EQ(bench.text_at(to), text);
  }
  expect_silence();
}
INSTANTIATE_TEST_SUITE_P(Making, StacksThatControl, testing::ValuesIn(each_above({"ramdisk", "ramdisk_later", "ramdisk_buffered", "ramdisk_buffered_later"}, {"builds_controls"})), name_of_stack);

class StacksThatCancel : public Stacks {};

// DOC: BUF-116
TEST_P(StacksThatCancel, get_their_request_back) {
  {
    auto device = bench.open();
    if (std::string(GetParam().filter) == "cancels_after_a_time") {
      EXPECT_EQ(device->control(control_code(3, kBuffered), {}, {}).status, 0xC0000120u);
    } else {
      EXPECT_EQ(device->control(control_code(4, kBuffered), {}, {}).status, 0u);
      EXPECT_EQ(device->control(control_code(5, kBuffered), {}, {}).status, 0xC0000120u);
      EXPECT_EQ(device->control(control_code(4, kBuffered), {}, {}).status, 0u);
      EXPECT_EQ(device->control(control_code(5, kBuffered), {}, {}).status, 0xC0000120u);
    }
  }
  expect_silence();
}
INSTANTIATE_TEST_SUITE_P(Making, StacksThatCancel, testing::ValuesIn(each_above({"ramdisk_buffered"}, {"cancels_after_a_time", "cancels_in_another_thread"})), name_of_stack);

}  // namespace

}  // namespace drydock
