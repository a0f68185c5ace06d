#include "abi/raising_entry.h"

#include <gtest/gtest.h>

#include <cstring>

#include "abi/ms_abi.h"

namespace drydock {
namespace {

using SixArguments = std::uint64_t(MSABI*)(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t);

TrapFrame* seen = nullptr;

[[gnu::noinline]] MSABI std::uint64_t sum(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d, std::uint64_t e,
                                          std::uint64_t f) noexcept {
  seen = &registers_of_caller(__builtin_frame_address(0));
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

TEST(RaisingEntry, arguments_and_result_pass_through) {
  const auto call = reinterpret_cast<SixArguments>(reinterpret_cast<std::uintptr_t>(raising_entry(reinterpret_cast<const void*>(&sum))));
  EXPECT_EQ(call(1, 10, 100, 1000, 10'000, 100'000), 1u + 20 + 300 + 4000 + 50'000 + 600'000);
}

/// Raises: continues at the caller, with another result than the one of a return.
[[gnu::noinline]] MSABI std::uint64_t come_back_otherwise(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                                          std::uint64_t) noexcept {
  TrapFrame& registers = registers_of_caller(__builtin_frame_address(0));
  registers[Gpr::rax] = 4711;
  asm volatile("xorps %%xmm6, %%xmm6; xorps %%xmm15, %%xmm15" : : : "xmm6", "xmm15");
  resume_frame(registers);
}

TEST(RaisingEntry, the_caller_goes_on_from_the_frame_with_its_registers) {
  static SixArguments call;
  call = reinterpret_cast<SixArguments>(
      reinterpret_cast<std::uintptr_t>(raising_entry(reinterpret_cast<const void*>(&come_back_otherwise))));
  std::uint64_t rbx = 1, r12 = 2, rdi = 3, rsi = 4, xmm6 = 6, xmm15 = 15, result = 0;
  asm volatile(
      "movq %[xmm6], %%xmm6; movq %[xmm15], %%xmm15; subq $256, %%rsp; call *%[target]; addq $256, %%rsp;"
      "movq %%xmm6, %[xmm6]; movq %%xmm15, %[xmm15]"
      : "=a"(result), "+b"(rbx), "+D"(rdi), "+S"(rsi), [xmm6] "+r"(xmm6), [xmm15] "+r"(xmm15), "+r"(r12)
      : [target] "m"(call)
      : "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm15", "memory", "cc");
  EXPECT_EQ(result, 4711u);
  EXPECT_EQ(rbx + 10 * r12 + 100 * rdi + 1000 * rsi, 4321u);
  EXPECT_EQ(xmm6, 6u);
  EXPECT_EQ(xmm15, 15u);
}

}  // namespace
}  // namespace drydock
