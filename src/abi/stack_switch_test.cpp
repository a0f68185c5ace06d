#include "abi/stack_switch.h"

#include <gtest/gtest.h>

#include <memory>

namespace drydock {
namespace {

struct Pair {
  stack_switch::Context one = nullptr, other = nullptr;
  std::uint64_t number = 0;
};

void doubles_for_ever(void* message) {
  auto& pair = *static_cast<Pair*>(message);
  for (;;) {
    pair.number *= 2;
    stack_switch::jump(&pair.other, pair.one, nullptr);
  }
}

class StackSwitch : public ::testing::Test {
 protected:
  StackSwitch() : stack_(new char[kSize]) {
    const auto top = reinterpret_cast<std::uintptr_t>(stack_.get() + kSize) & ~std::uintptr_t{15};
    pair_.other = stack_switch::make(reinterpret_cast<void*>(top), &doubles_for_ever);
  }
  void there_and_back() { stack_switch::jump(&pair_.one, pair_.other, &pair_); }

  static constexpr std::size_t kSize = 64 * 1024;
  std::unique_ptr<char[]> stack_;
  Pair pair_;
};

TEST_F(StackSwitch, goes_there_and_comes_back_as_often_as_wanted) {
  for (std::uint64_t i = 1; i < 100; ++i) {
    pair_.number = i;
    there_and_back();
    EXPECT_EQ(pair_.number, 2 * i);
  }
}

TEST_F(StackSwitch, each_stack_keeps_its_own_rounding_modes) {
  std::uint32_t mxcsr = 0x7F80;
  std::uint16_t x87 = 0x0F7F;
  asm volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(x87));
  there_and_back();
  asm volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(x87));
  const std::uint32_t usual = 0x1F80;
  asm volatile("fninit; ldmxcsr %0" : : "m"(usual));
  EXPECT_EQ(mxcsr, 0x7F80u);
  EXPECT_EQ(x87, 0x0F7F);
}

TEST_F(StackSwitch, keeps_what_the_compiler_had_in_registers) {
  double real = 1.5;
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    pair_.number = i;
    there_and_back();
    sum += pair_.number;
    real += 0.25;
  }
  EXPECT_EQ(sum, 999'000u);
  EXPECT_EQ(real, 251.5);
}

}  // namespace
}  // namespace drydock
