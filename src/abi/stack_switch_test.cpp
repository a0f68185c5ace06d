#include "abi/stack_switch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

namespace drydock {
namespace {

void echo_twice_as_much(stack_switch::Transfer from) {
  for (;;) from = stack_switch::jump(from.fctx, reinterpret_cast<void*>(2 * reinterpret_cast<std::uintptr_t>(from.data)));
}

TEST(StackSwitch, carries_a_word_there_and_back) {
  constexpr std::size_t kSize = 64 * 1024;
  auto stack = std::make_unique<char[]>(kSize);
  stack_switch::Transfer other{stack_switch::make(stack.get() + kSize, kSize, &echo_twice_as_much), nullptr};
  for (std::uintptr_t i = 1; i < 100; ++i) {
    other = stack_switch::jump(other.fctx, reinterpret_cast<void*>(i));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(other.data), 2 * i);
  }
}

}  // namespace
}  // namespace drydock
