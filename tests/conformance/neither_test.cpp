// Neither buffered nor direct: what a driver may do with the raw addresses of a client, and what exceptions it meets.

#include "workbench.h"

namespace drydock {

constexpr std::uint32_t kAccessViolation = 0xC0000005, kMisaligned = 0x80000002;
enum How : std::uint32_t { probe_read, probe_write, load, store, copy_from, copy_to, is_valid, variables, length_of_text, compare };

struct Asked {
  std::uint64_t address, length;
  std::uint32_t alignment, how;
};
struct Told {
  std::uint64_t at, where, value;
  std::uint32_t status, access, parameters, guarded;
};

class Neither : public testing::Test {
 protected:
  void SetUp() override {
    bench.with("neither");
    device = bench.open();
  }
  void TearDown() override {
    device.reset();
    EXPECT_EQ(findings_of(bench.stop()), "");  // whatever a client does, the driver is correct
  }
  Told ask(How how, std::uint64_t address, std::uint64_t length = 1, std::uint32_t alignment = 1) {
    const Asked asked{address, length, alignment, how};
    const Buffer in = bench.holding({reinterpret_cast<const char*>(&asked), sizeof asked}), out = bench.buffer(sizeof(Told));
    EXPECT_EQ(device->control(control_code(0, kBuffered), in, out).status, 0u);
    const Told told = bench.value_at<Told>(out);
    bench.client().free(in);
    bench.client().free(out);
    return told;
  }
  /// Two pages: the first as it is, the second as the test wants it.
  Buffer torn(Protection second) {
    const Buffer all = bench.buffer(8192);
    bench.client().protect(all.part(4096, 4096), second);
    return all;
  }
  Workbench bench;
  std::unique_ptr<Device> device;
};

// DOC: BUF-64
TEST_F(Neither, ProbeForRead_looks_at_alignment_and_range_and_touches_nothing) {
  const Buffer gone = bench.buffer(4096);
  bench.client().unmap(gone);
  const Told ends = ask(variables, 0);
  const std::uint64_t end = ends.value;
  struct Row {
    std::uint64_t address, length;
    std::uint32_t alignment, status;
  };
  const Row rows[] = {
      {gone.address, 4096, 1, 0},                      // not there: nobody looks
      {gone.address + 1, 4, 1, 0},
      {gone.address + 1, 4, 4, kMisaligned},
      {gone.address + 4, 4, 4, 0},
      {gone.address + 4, 4, 8, kMisaligned},
      {0x1001, 4, 16, kMisaligned},
      {0, 1, 1, 0},                                    // NULL is an address of user space
      {end - 1, 1, 1, 0},
      {end, 1, 1, kAccessViolation},
      {end - 1, 2, 1, kAccessViolation},
      {1, end, 1, kAccessViolation},
      {0x1000, ~0ull, 1, kAccessViolation},            // wraps
      {~0ull, 1, 1, kAccessViolation},
      {0xFFFF'8000'0000'1001, 4, 4, kMisaligned},      // alignment first
      {0xFFFF'8000'0000'1000, 4, 4, kAccessViolation},
      {0xFFFF'8000'0000'1001, 0, 4, 0},                // no length, no check
  };
  for (const Row& row : rows) {
    for (const How how : {probe_read, probe_write}) {
      if (how == probe_write && row.status == 0 && row.length != 0) continue;  // it touches the pages: below
      const Told told = ask(how, row.address, row.length, row.alignment);
      EXPECT_EQ(told.status, row.status) << std::hex << row.address << " +" << row.length << " by " << how;
    }
  }
}

// DOC: BUF-65
TEST_F(Neither, ProbeForWrite_asks_each_page_whether_it_can_be_written) {
  const Buffer good = bench.buffer(8192), read_only = torn(Protection::read), closed = torn(Protection::none);
  bench.client().store(good, std::as_bytes(std::span("left as it is", 14)));
  EXPECT_EQ(ask(probe_write, good.address, 8192).status, 0u);
  EXPECT_EQ(bench.text_at(good.part(0, 13)), "left as it is");
  for (const Buffer& torn : {read_only, closed}) {
    EXPECT_EQ(ask(probe_write, torn.address, 4096).status, 0u);
    const Told told = ask(probe_write, torn.address + 4000, 200);
    EXPECT_EQ(told.status, kAccessViolation);
    EXPECT_EQ(told.access, 1u);
    EXPECT_EQ(told.where, torn.address + 4096);
    EXPECT_EQ(ask(probe_read, torn.address + 4000, 200).status, 0u);
  }
  EXPECT_EQ(ask(probe_write, 0x1000).status, kAccessViolation);  // nobody's
}

TEST_F(Neither, the_ends_of_user_space_are_where_the_kernels_variables_say) {
  const Told told = ask(variables, 0);
  EXPECT_EQ(told.at + 1, told.value);
  EXPECT_GE(told.where, told.value);
  const Buffer mine = bench.buffer(1);
  EXPECT_LT(mine.address, told.value);
}

// DOC: BUF-63 BUF-67
TEST_F(Neither, memory_that_is_not_accessible_is_an_exception_at_the_instruction_inside_its_try) {
  const Buffer read_only = torn(Protection::read), closed = torn(Protection::none), gone = bench.buffer(4096);
  bench.client().unmap(gone);
  struct Row {
    How how;
    std::uint64_t address;
    bool faults;
  };
  const Row rows[] = {{load, read_only.address + 4096, false}, {store, read_only.address + 4096, true}, {load, closed.address + 4096, true},
                      {store, closed.address + 4096, true},    {load, closed.address, false},           {store, closed.address, false},
                      {load, gone.address + 5, true},          {store, gone.address + 5, true},         {load, 0x1234, true},
                      {load, 0, true}};
  for (const Row& row : rows) {
    const Told told = ask(row.how, row.address);
    EXPECT_EQ(told.status, row.faults ? kAccessViolation : 0u) << row.how << " " << std::hex << row.address;
    if (!row.faults) continue;
    EXPECT_EQ(told.parameters, 2u);
    EXPECT_EQ(told.access, row.how == store ? 1u : 0u);
    EXPECT_EQ(told.where, row.address);
    EXPECT_EQ(told.guarded, 1u);  // the driver's own scope table covers the instruction
  }
}

// DOC: BUF-67
TEST_F(Neither, a_routine_that_meets_such_memory_raises_in_its_caller) {
  const Buffer closed = torn(Protection::none), text = bench.buffer(4096);
  const std::string words(4096, 'x');
  bench.client().store(text, std::as_bytes(std::span(words)));
  EXPECT_EQ(ask(copy_from, text.address, 16).value, std::uint64_t{'x'});
  EXPECT_EQ(ask(copy_to, text.address, 16).status, 0u);
  EXPECT_EQ(bench.text_at(text.part(0, 17)), std::string(16, 'Z') + "x");
  for (const How how : {copy_from, copy_to, compare}) {
    const Told told = ask(how, closed.address + 4090, 16);
    EXPECT_EQ(told.status, kAccessViolation) << how;
    EXPECT_EQ(told.access, how == copy_to ? 1u : 0u);
    EXPECT_EQ(told.where, closed.address + 4096);
    EXPECT_EQ(ask(how, 0x1234, 16).status, kAccessViolation) << how;
  }
  EXPECT_EQ(ask(length_of_text, closed.address).value, 0u);
  const std::string end(96, 'y');
  bench.client().store(closed.part(4000, 96), std::as_bytes(std::span(end)));
  EXPECT_EQ(ask(length_of_text, closed.address + 4000).status, kAccessViolation);  // no terminator in front of the closed page
}

TEST_F(Neither, MmIsAddressValid_knows_what_is_there_here_and_now) {
  const Buffer mine = bench.buffer(4096), gone = bench.buffer(4096);
  bench.client().unmap(gone);
  const auto other = bench.machine().client("other");
  EXPECT_EQ(ask(is_valid, mine.address).value, 1u);
  EXPECT_EQ(ask(is_valid, gone.address).value, 0u);
  EXPECT_EQ(ask(is_valid, other->allocate(4096).address).value, 0u);
  EXPECT_EQ(ask(is_valid, 0x10).value, 0u);
}

// DOC: BUF-60
TEST_F(Neither, read_and_write_hand_over_the_callers_address_and_nothing_else) {
  const Buffer data = bench.buffer(100, {.offset = 4000});
  EXPECT_EQ(device->read(data).information, 100u);
  EXPECT_EQ(bench.text_at(data.part(0, 27)), "abcdefghijklmnopqrstuvwxyza");
  EXPECT_EQ(device->write(data).information, std::uint64_t{'a' + 99 % 26});
  EXPECT_EQ(device->read({0x1234, 8}).status, kAccessViolation);
  EXPECT_EQ(device->write({0xFFFF'8000'0000'0000, 8}).status, kAccessViolation);
  EXPECT_EQ(device->read({0, 0}).status, 0u);
  const Buffer torn_one = torn(Protection::read);
  EXPECT_EQ(device->read(torn_one.part(4090, 12)).status, kAccessViolation);
}

// DOC: BUF-61
TEST_F(Neither, an_ioctl_works_on_both_raw_buffers) {
  const std::uint32_t numbers[] = {3, 10, 20, 30};
  const Buffer in = bench.holding({reinterpret_cast<const char*>(numbers), sizeof numbers}), out = bench.buffer(8);
  EXPECT_EQ(device->control(control_code(1, kNeither), in, out).information, 8u);
  EXPECT_EQ(bench.value_at<std::uint64_t>(out), 60u);
  EXPECT_EQ(device->control(control_code(1, kNeither), {in.address + 1, 12}, out).status, kMisaligned);
  EXPECT_EQ(device->control(control_code(1, kNeither), in, {0x1000, 8}).status, kAccessViolation);
  EXPECT_EQ(device->control(control_code(1, kNeither), {~0ull - 3, 4}, out).status, kAccessViolation);
}

// A client that tells the address of another's memory is answered as for memory that is not there.
TEST_F(Neither, addresses_of_another_process_mean_nothing_and_are_no_mistake_of_the_driver) {
  const auto other = bench.machine().client("other");
  const Buffer foreign = other->allocate(4096);
  EXPECT_EQ(ask(load, foreign.address).status, kAccessViolation);
  EXPECT_EQ(ask(copy_from, foreign.address, 16).status, kAccessViolation);
  EXPECT_EQ(device->read({foreign.address, 16}).status, kAccessViolation);
  EXPECT_EQ(device->write({foreign.address, 16}).status, kAccessViolation);
}

}  // namespace drydock
