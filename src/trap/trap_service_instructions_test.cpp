// Instructions as compilers emit them: test_images/instructions.c, built by each of them, run on plain memory by the
// processor and on registers of a device by the trap layer. Results and memory must be the same.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "loader/image.h"
#include "trap/trapped_memory_for_tests.h"
#include "trap/untrapped.h"

namespace drydock {
namespace {

MSABI std::uint64_t missing_import(const MissingImport&, void*) { return 0; }

struct NoImports final : ImportResolver {
  void* resolve(std::string_view, std::string_view) override { return nullptr; }
};

std::vector<std::string> built_images() {
  std::vector<std::string> names;
  for (const char* name : {"gcc", "clang_gnu", "clang_msvc"})
    if (std::ifstream(fmt::format("{}/{}.sys", TRAP_TEST_IMAGES, name))) names.emplace_back(name);
  return names;
}

/// Devices answer reads of their port with 1, 2, 3 …, so that order and number count.
class DriverInstructions : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr std::size_t kMiddle = 0x2000;

  void SetUp() override {
    Seeded seeded(1);
    NoImports none;
    auto loaded = Image::load(fmt::format("{}/{}.sys", TRAP_TEST_IMAGES, GetParam()), {.seeded = seeded, .missing_import = &missing_import, .name = {}}, none);
    ASSERT_TRUE(loaded) << loaded.error().message;
    image_.emplace(std::move(*loaded));
    ASSERT_TRUE(world_.machine.images.add(image_->base(), image_->base() + image_->size(), this));
    fill();
  }
  void TearDown() override {
    if (image_) world_.machine.images.remove(image_->base());
  }
  void fill() {
    Seeded random(7);
    for (std::size_t i = 0; i < TrappedMemory::kSize; ++i) {
      plain_.data()[i] = static_cast<std::uint8_t>(random.below(255) + 1);
      world_.memory.alias()[i] = plain_.data()[i];
    }
  }

  template <class... A>
  std::uint64_t call(const char* name, A... arguments) {
    using Routine = std::uint64_t(MSABI*)(A...);
    void* at = image_->find_export(name);
    EXPECT_NE(at, nullptr) << name;
    if (at == nullptr) return 0;
    std::uint64_t value = 0;
    world_.outcome = {};
    run_on(world_.machine, world_.fiber, [&] {
      const auto entered = enter_driver(world_.fiber, EntryKind::routine, reinterpret_cast<Routine>(at), arguments...);
      aborted_ = entered.aborted;
      if (!entered.aborted) value = entered.value;
    });
    return value;
  }
  std::uint64_t plain(std::size_t offset) { return plain_.address() + offset; }
  std::uint64_t device(std::size_t offset) { return world_.memory.address() + offset; }

  void expect_equal_memory(const char* name) {
    EXPECT_FALSE(aborted_) << name << ": " << world_.outcome.reason;
    EXPECT_EQ(std::memcmp(plain_.data(), world_.memory.alias(), TrappedMemory::kSize), 0) << name;
  }
  /// The routine on plain memory and on registers; its results and all of memory must agree.
  template <class... A>
  void expect_same(const char* name, A... arguments) {
    fill();
    const std::uint64_t wanted = call(name, plain(kMiddle), arguments...);
    const int traps = world_.traps;
    EXPECT_EQ(call(name, device(kMiddle), arguments...), wanted) << name;
    EXPECT_GT(world_.traps, traps) << name;
    expect_equal_memory(name);
  }

  TrapWorld world_;
  PagesForTests plain_{4, PROT_READ | PROT_WRITE};
  std::optional<Image> image_;
  bool aborted_ = false;
};

INSTANTIATE_TEST_SUITE_P(Compilers, DriverInstructions, ::testing::ValuesIn(built_images()), [](const auto& about) { return about.param; });

TEST(DriverCompilers, every_compiler_of_the_toolchain_made_an_image) { EXPECT_EQ(built_images().size(), 3u); }

TEST_P(DriverInstructions, memory_accesses_as_the_compiler_chose_them) {
  expect_same("AllWidths");
  expect_same("ReadModifyWrite", 0x1234567u);
  expect_same("Divide", 0xFEDCBA98u);
  expect_same("DivideSigned", -0x123456789ABCDEF);
}

TEST_P(DriverInstructions, floating_point_and_vectors) {
  const double numbers[] = {1.5, -7.25, 0, 0};
  const float short_numbers[] = {0, 0, 0, 0, 3.5f, 0};
  const auto put = [&] {
    for (std::uint8_t* memory : {plain_.data(), world_.memory.alias()}) {
      std::memcpy(memory + kMiddle, numbers, sizeof numbers);
      std::memcpy(memory + kMiddle + 64, short_numbers, sizeof short_numbers);
    }
  };
  put();
  const std::uint64_t wanted = call("Floats", plain(kMiddle), plain(kMiddle + 64));
  EXPECT_EQ(call("Floats", device(kMiddle), device(kMiddle + 64)), wanted);
  expect_equal_memory("Floats");
  for (const bool same : {true, false}) {
    for (unsigned i = 0; i < 8; ++i) {
      const float value = 1.25f * static_cast<float>(i);
      std::memcpy(plain_.data() + kMiddle + 4 * i, &value, 4);
      std::memcpy(world_.memory.alias() + kMiddle + 4 * i, &value, 4);
    }
    call("Vectors", plain(same ? kMiddle : 0x100), plain(kMiddle));
    call("Vectors", device(same ? kMiddle : 0x100), device(kMiddle));
    expect_equal_memory("Vectors");
  }
}

TEST_P(DriverInstructions, locked_ones_and_compare_exchange_taken_and_not) {
  for (const std::uint64_t value : {0x1ull, 0x8000000080000001ull, ~0ull}) {
    expect_same("Locked", value);
    expect_same("CompareExchange16", value, ~value);
  }
}

TEST_P(DriverInstructions, bit_operations_whose_bit_lies_beyond_the_word) {
  for (const std::int64_t offset : {0, 5, 31, 32, 33, 100, 1000, 8191, -1, -32, -33, -1000, -8000}) expect_same("Bits", offset);
}

TEST_P(DriverInstructions, copies_with_source_target_or_both_on_registers_in_both_directions) {
  for (const char* name : {"Copy1", "Copy2", "Copy4", "Copy8", "Copy1Backward", "Copy2Backward", "Copy4Backward", "Copy8Backward"})
    for (int sides = 1; sides < 4; ++sides)
      for (const std::uint64_t count : {1ull, 13ull, 70ull}) {
        fill();
        const std::uint64_t to = 0x803, from = 0x1801;
        call(name, plain(to), plain(from), count);
        call(name, sides & 1 ? device(to) : plain(to), sides & 2 ? device(from) : plain(from), count);
        EXPECT_FALSE(aborted_) << name << ": " << world_.outcome.reason;
        const std::uint8_t* got = sides & 1 ? world_.memory.alias() : plain_.data();
        EXPECT_EQ(std::memcmp(got + to - 3, plain_.data() + to - 3, 70 * 8 + 6), 0) << name << " sides " << sides;
      }
}

TEST_P(DriverInstructions, fills_searches_and_comparisons) {
  for (const char* name : {"Fill1", "Fill2", "Fill4", "Fill8"}) {
    fill();
    call(name, plain(kMiddle), 0x1122334455667788ull, 33ull);
    call(name, device(kMiddle), 0x1122334455667788ull, 33ull);
    expect_equal_memory(name);
  }
  fill();
  plain_.data()[kMiddle + 40] = world_.memory.alias()[kMiddle + 40] = 0;
  EXPECT_EQ(call("Search", device(kMiddle), 0ull, 100ull), 59u);
  EXPECT_EQ(call("Compare", device(kMiddle), plain(kMiddle), 100ull), 0u);
  plain_.data()[kMiddle + 7] ^= 1;
  EXPECT_EQ(call("Compare", device(kMiddle), plain(kMiddle), 100ull), 92u);
  EXPECT_EQ(call("Compare", plain(kMiddle), device(kMiddle), 100ull), 92u);
}

TEST_P(DriverInstructions, sse_moves_of_all_widths_aligned_and_not) { expect_same("SseMoves"); }

TEST_P(DriverInstructions, the_stack_pointer_push_pop_and_jumps_through_a_register) { expect_same("StackAndJumps"); }

TEST_P(DriverInstructions, ports_one_by_one) {
  world_.privileged.input = {3, 2, 1};
  EXPECT_EQ(call("In", std::uint16_t{0xC010}), (1ull << 48 | 2ull << 32 | 3u));
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"in1 c010", "in2 c010", "in4 c010"}));
  world_.privileged.told.clear();
  call("Out", std::uint16_t{0x3F6}, 0x0A0B0C0Du);
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"out1 3f6 d", "out2 3f6 c0d", "out4 3f6 a0b0c0d", "out1 80 d", "in1 61"}));
}

TEST_P(DriverInstructions, port_strings_of_all_widths_and_backwards_from_and_to_memory_of_either_kind) {
  for (const bool on_device : {false, true}) {
    std::uint8_t* memory = on_device ? world_.memory.alias() : plain_.data();
    const std::uint64_t at = on_device ? device(0x1000) : plain(0x1000);
    world_.privileged.input = {0x44, 0x33, 0x22, 0x11};
    EXPECT_EQ(call("InString", std::uint16_t{0x1F0}, at, 4ull, 1ull), at + 4);
    EXPECT_EQ(std::memcmp(memory + 0x1000, "\x11\x22\x33\x44", 4), 0);
    world_.privileged.input = {0x4444, 0x3333};
    EXPECT_EQ(call("InString", std::uint16_t{0x1F0}, at, 2ull, 2ull), at + 4);
    EXPECT_EQ(std::memcmp(memory + 0x1000, "\x33\x33\x44\x44", 4), 0);
    world_.privileged.input = {0xDDCCBBAA};
    EXPECT_EQ(call("InString", std::uint16_t{0x1F0}, at, 1ull, 4ull), at + 4);
    EXPECT_EQ(std::memcmp(memory + 0x1000, "\xAA\xBB\xCC\xDD", 4), 0);
    world_.privileged.input = {0x0202, 0x0101};
    EXPECT_EQ(call("InString", std::uint16_t{0x1F0}, at + 2, 2ull, 0ull), at - 2);
    EXPECT_EQ(std::memcmp(memory + 0x1000, "\x02\x02\x01\x01", 4), 0);
    world_.privileged.told.clear();
    call("OutString", std::uint16_t{0x1F0}, at, 2ull, 1ull);
    call("OutString", std::uint16_t{0x1F0}, at, 2ull, 2ull);
    call("OutString", std::uint16_t{0x1F0}, at, 1ull, 4ull);
    EXPECT_EQ(call("OutString", std::uint16_t{0x1F0}, at, 1ull, 0ull), at - 4);
    EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"out1 1f0 2", "out1 1f0 2", "out2 1f0 202", "out2 1f0 101",
                                                                "out4 1f0 1010202", "out4 1f0 1010202"}));
    EXPECT_FALSE(aborted_);
  }
}

TEST_P(DriverInstructions, those_of_the_processor_itself) {
  world_.privileged.cr8 = 2;
  EXPECT_EQ(call("RaiseLower", 11ull), 11u << 8 | 2u);
  EXPECT_EQ(world_.privileged.cr8, 2u);
  call("InterruptsOffAndOn");
  call("InvalidatePage", plain(0));
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"cli", "sti", "hlt", "cache", "cache", "cache"}));
  EXPECT_EQ(call("ReadMsr", 0x1Bu), 0x12345678FEE00900u);
  call("WriteMsr", 0x1Bu, 0xAABBCCDD11223344ull);
  EXPECT_EQ(world_.privileged.told.back(), "wrmsr 1b aabbccdd11223344");
  call("FlushLine", device(0x40));
  EXPECT_FALSE(aborted_) << world_.outcome.reason;
  call("ReadMsr", 0x77u);
  EXPECT_TRUE(aborted_);
  EXPECT_EQ(world_.outcome.reason, "rdmsr of 0x77, which this machine does not have");
}

TEST_P(DriverInstructions, cpuid_rdtsc_and_pushf_do_not_trap_and_pushf_always_sees_interrupts_on) {
  const int traps = world_.traps;
  const std::uint64_t got = call("Untrapped");
  EXPECT_EQ(world_.traps, traps);
  EXPECT_EQ(got >> 32, 3u);
  EXPECT_NE(got & kFlagInterrupt, 0u);
}

TEST_P(DriverInstructions, those_that_do_not_trap_are_found_when_the_image_is_loaded) {
  std::vector<std::string> names;
  for (const UntrappedInstruction& one : untrapped_instructions(image_->pe())) {
    names.push_back(one.name);
    EXPECT_NE(one.consequence, nullptr);
    EXPECT_EQ(image_->pe().section_at(one.rva)->name, ".text");
  }
  for (const char* name : {"cpuid", "rdtsc", "pushfq", "popfq"}) EXPECT_EQ(std::ranges::count(names, name), 1) << name;
  EXPECT_EQ(names.size(), 4u);
}

TEST_P(DriverInstructions, software_interrupts_go_on_and_a_fast_fail_and_ud2_do_not) {
  EXPECT_EQ(call("Breakpoint", 10ull), 11u);
  EXPECT_EQ(call("LongBreakpoint", 10ull), 12u);
  EXPECT_EQ(call("Assertion", 10ull), 14u);
  EXPECT_EQ(world_.privileged.told, (std::vector<std::string>{"breakpoint at cc", "breakpoint at cd", "assertion"}));
  EXPECT_EQ(call("DebugPrint", 10ull), 13u);
  EXPECT_FALSE(aborted_);
  call("FastFail", 7u);
  EXPECT_TRUE(aborted_);
  EXPECT_EQ(world_.privileged.told.back(), "fast fail 7");
  call("Undefined");
  EXPECT_TRUE(aborted_);
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::illegal);
}

}  // namespace
}  // namespace drydock
