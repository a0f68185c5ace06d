#include "seh/machine_context.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

namespace drydock::seh {
namespace {

class Contexts : public testing::Test {
 protected:
  Contexts() : room_(trap_frame_size() + 64) {
    void* start = room_.data();
    std::size_t space = room_.size();
    frame_ = static_cast<TrapFrame*>(std::align(64, trap_frame_size(), start, space));
    long long gregs[kGprCount];
    for (std::size_t i = 0; i < kGprCount; ++i) gregs[i] = static_cast<long long>(0x100 + i);
    fill_trap_frame(frame_, gregs, nullptr);
    for (unsigned i = 0; i < 16; ++i) {
      Xmm value;
      std::memset(&value, static_cast<int>(0x20 + i), sizeof value);
      frame_->set_xmm(i, value);
    }
  }
  TrapFrame& frame() { return *frame_; }
  CONTEXT context{};

 private:
  std::vector<std::byte> room_;
  TrapFrame* frame_;
};

TEST_F(Contexts, what_a_filter_changes_is_what_the_driver_goes_on_with) {
  fill_context(context, frame());
  EXPECT_EQ(context.Rcx, frame()[Gpr::rcx]);
  EXPECT_EQ(context.Rip, frame().rip());
  EXPECT_EQ(context.Xmm15.Low, 0x2F2F'2F2F'2F2F'2F2Fu);
  context.R15 = 7;
  context.Rip = 8;
  context.Rsp = 9;
  context.Xmm6.High = 10;
  apply_context(frame(), context);
  EXPECT_EQ(frame()[Gpr::r15], 7u);
  EXPECT_EQ(frame().rip(), 8u);
  EXPECT_EQ(frame().rsp(), 9u);
  EXPECT_EQ(frame().xmm(6).bytes[8], 10u);
}

TEST_F(Contexts, only_what_the_flags_name_is_taken) {
  fill_context(context, frame());
  const std::uint64_t rip = frame().rip();
  context.ContextFlags = CONTEXT_INTEGER;
  context.Rax = 5;
  context.Rip = 6;
  apply_context(frame(), context);
  EXPECT_EQ(frame()[Gpr::rax], 5u);
  EXPECT_EQ(frame().rip(), rip);
}

TEST_F(Contexts, reserved_bits_of_mxcsr_do_not_reach_the_processor) {
  fill_context(context, frame());
  context.MxCsr = 0xFFFF'1F80;
  apply_context(frame(), context);
  EXPECT_EQ(frame().mxcsr(), 0x1F80u);
}

TEST(ContextLayout, offsets_are_the_documented_ones) {
  EXPECT_EQ(sizeof(CONTEXT), 0x4D0u);
  EXPECT_EQ(offsetof(CONTEXT, EFlags), 0x44u);
  EXPECT_EQ(offsetof(CONTEXT, Rax), 0x78u);
  EXPECT_EQ(offsetof(CONTEXT, Rip), 0xF8u);
  EXPECT_EQ(offsetof(CONTEXT, Xmm6), 0x200u);
  EXPECT_EQ(sizeof(EXCEPTION_RECORD), 0x98u);
  EXPECT_EQ(sizeof(DISPATCHER_CONTEXT), 0x50u);
}

}  // namespace
}  // namespace drydock::seh
