#include "abi/trap_frame.h"

#include <gtest/gtest.h>
#include <ucontext.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace drydock {
namespace {

struct Free {
  void operator()(void* p) const { std::free(p); }
};

class TrapFrameTest : public ::testing::Test {
 protected:
  TrapFrameTest() : memory_(std::aligned_alloc(64, trap_frame_size())) {
    std::memset(memory_.get(), 0xA5, trap_frame_size());
    fill_trap_frame(&frame(), registers_, nullptr);
  }
  TrapFrame& frame() { return *static_cast<TrapFrame*>(memory_.get()); }

  long long registers_[kGprCount] = {};
  std::unique_ptr<void, Free> memory_;
};

TEST_F(TrapFrameTest, its_registers_are_in_the_kernels_order) {
  EXPECT_EQ(static_cast<int>(Gpr::r8), REG_R8);
  EXPECT_EQ(static_cast<int>(Gpr::rdi), REG_RDI);
  EXPECT_EQ(static_cast<int>(Gpr::rcx), REG_RCX);
  EXPECT_EQ(static_cast<int>(Gpr::rsp), REG_RSP);
  EXPECT_EQ(static_cast<int>(Gpr::rip), REG_RIP);
  EXPECT_EQ(static_cast<int>(Gpr::flags), REG_EFL);
  EXPECT_EQ(static_cast<int>(Gpr::trap_number), REG_TRAPNO);
  EXPECT_EQ(static_cast<int>(Gpr::cr2), REG_CR2);
  EXPECT_EQ(kGprCount, static_cast<std::size_t>(NGREG));
}

TEST_F(TrapFrameTest, an_unused_vector_register_reads_as_zero_and_writing_one_leaves_the_others_zero) {
  const Xmm zero{};
  EXPECT_EQ(std::memcmp(frame().xmm(3).bytes, zero.bytes, 16), 0);
  EXPECT_EQ(frame().mxcsr(), 0x1F80u);
  Xmm value{};
  std::memset(value.bytes, 0x77, 16);
  frame().set_xmm(3, value);
  EXPECT_EQ(std::memcmp(frame().xmm(3).bytes, value.bytes, 16), 0);
  EXPECT_EQ(std::memcmp(frame().xmm(4).bytes, zero.bytes, 16), 0);
  EXPECT_EQ(frame().mxcsr(), 0x1F80u);
}

TEST_F(TrapFrameTest, is_a_whole_number_of_cache_lines_and_costs_less_than_four_kibibytes_of_stack) {
  EXPECT_EQ(trap_frame_size() % 64, 0u);
  EXPECT_LT(trap_frame_size(), 4096u);
}

}  // namespace
}  // namespace drydock
