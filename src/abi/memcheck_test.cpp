#include "abi/memcheck.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

// tests/system/valgrind.py asks the same question under valgrind, with the option and without.
TEST(Memcheck, outside_valgrind_a_fault_shows_the_registers_as_they_are) {
  if (memcheck::running()) GTEST_SKIP() << "valgrind decides";
  EXPECT_TRUE(memcheck::registers_are_exact_at_faults());
}

TEST(Memcheck, a_stack_may_come_and_go) {
  alignas(16) static std::byte stack[4096];
  const auto bottom = reinterpret_cast<std::uintptr_t>(stack), top = bottom + sizeof stack;
  const unsigned name = memcheck::stack_is_made(bottom, top);
  memcheck::joins_the_stack(bottom + 256, top);
  memcheck::stack_is_gone(name);
}

}  // namespace
}  // namespace drydock
