#pragma once
// Runs a few instructions with every register holding a given value, and tells what every register holds afterwards.
// For tests.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "abi/ms_abi.h"
#include "abi/trap_frame.h"
#include "base/seeded.h"

namespace drydock {

struct RegisterBank {
  std::uint64_t gprs[15];  // in the order of Gpr, without rsp
  std::uint64_t flags;
  std::uint8_t vectors[16][32];  // ymm0-15; the upper halves count when the processor has AVX
  std::uint32_t mxcsr;
  std::uint32_t x87_control;
  std::uint32_t has_avx;
  std::uint32_t unused;

  std::uint64_t& operator[](Gpr r) { return gprs[static_cast<std::size_t>(r)]; }
  std::uint64_t operator[](Gpr r) const { return gprs[static_cast<std::size_t>(r)]; }
  bool operator==(const RegisterBank& other) const { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(offsetof(RegisterBank, flags) == 120 && offsetof(RegisterBank, vectors) == 128);
static_assert(offsetof(RegisterBank, mxcsr) == 640 && offsetof(RegisterBank, has_avx) == 648);

inline constexpr std::uint64_t kStatusFlags =
    kFlagCarry | kFlagParity | kFlagAdjust | kFlagZero | kFlagSign | kFlagOverflow;
inline constexpr std::uint64_t kFlagsAlwaysSet = 0x202;

inline RegisterBank random_registers(Seeded& random, bool direction_flag_too = true) {
  RegisterBank bank{};
  for (auto& gpr : bank.gprs) gpr = random.next();
  bank.flags = (random.next() & (kStatusFlags | (direction_flag_too ? kFlagDirection : 0))) | kFlagsAlwaysSet;
  bank.has_avx = __builtin_cpu_supports("avx") ? 1 : 0;
  for (auto& vector : bank.vectors)
    for (std::size_t i = 0; i < (bank.has_avx ? 32u : 16u); ++i) vector[i] = static_cast<std::uint8_t>(random.next());
  bank.mxcsr = 0x1F80u | static_cast<std::uint32_t>(random.below(4) << 13) | static_cast<std::uint32_t>(random.below(2) << 15);
  bank.x87_control = 0x037Fu & ~static_cast<std::uint32_t>(random.below(4) << 8);
  return bank;
}

/// A driver routine: `code` is called with the registers of `in`, and must return with rsp as it was.
extern "C" MSABI void drydock_run_with_registers(const RegisterBank* in, RegisterBank* out, const void* code);

asm(R"(
        .text
        .p2align 4
        .weak   drydock_run_with_registers
drydock_run_with_registers:
        pushq   %rbx
        pushq   %rbp
        pushq   %rdi
        pushq   %rsi
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $200, %rsp
        movdqu  %xmm6, 0(%rsp)
        movdqu  %xmm7, 16(%rsp)
        movdqu  %xmm8, 32(%rsp)
        movdqu  %xmm9, 48(%rsp)
        movdqu  %xmm10, 64(%rsp)
        movdqu  %xmm11, 80(%rsp)
        movdqu  %xmm12, 96(%rsp)
        movdqu  %xmm13, 112(%rsp)
        movdqu  %xmm14, 128(%rsp)
        movdqu  %xmm15, 144(%rsp)
        movq    %rdx, 160(%rsp)
        movq    %r8, 168(%rsp)
        stmxcsr 176(%rsp)
        fnstcw  180(%rsp)
        movl    648(%rcx), %eax
        movl    %eax, 184(%rsp)
        testl   %eax, %eax
        jz      1f
        .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        vmovdqu (128+32*\i)(%rcx), %ymm\i
        .endr
        jmp     2f
1:
        .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        movdqu  (128+32*\i)(%rcx), %xmm\i
        .endr
2:
        ldmxcsr 640(%rcx)
        fldcw   644(%rcx)
        movq    0(%rcx), %r8
        movq    8(%rcx), %r9
        movq    16(%rcx), %r10
        movq    24(%rcx), %r11
        movq    32(%rcx), %r12
        movq    40(%rcx), %r13
        movq    48(%rcx), %r14
        movq    56(%rcx), %r15
        movq    64(%rcx), %rdi
        movq    72(%rcx), %rsi
        movq    80(%rcx), %rbp
        movq    88(%rcx), %rbx
        movq    96(%rcx), %rdx
        movq    104(%rcx), %rax
        pushq   120(%rcx)
        popfq
        movq    112(%rcx), %rcx
        call    *168(%rsp)
        pushfq
        pushq   %rax
        movq    176(%rsp), %rax
        popq    104(%rax)
        popq    120(%rax)
        cld
        movq    %r8, 0(%rax)
        movq    %r9, 8(%rax)
        movq    %r10, 16(%rax)
        movq    %r11, 24(%rax)
        movq    %r12, 32(%rax)
        movq    %r13, 40(%rax)
        movq    %r14, 48(%rax)
        movq    %r15, 56(%rax)
        movq    %rdi, 64(%rax)
        movq    %rsi, 72(%rax)
        movq    %rbp, 80(%rax)
        movq    %rbx, 88(%rax)
        movq    %rdx, 96(%rax)
        movq    %rcx, 112(%rax)
        stmxcsr 640(%rax)
        movl    $0, 644(%rax)
        fnstcw  644(%rax)
        movl    184(%rsp), %ecx
        movl    %ecx, 648(%rax)
        testl   %ecx, %ecx
        jz      3f
        .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        vmovdqu %ymm\i, (128+32*\i)(%rax)
        .endr
        vzeroupper
        jmp     4f
3:
        .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        movdqu  %xmm\i, (128+32*\i)(%rax)
        .endr
4:
        ldmxcsr 176(%rsp)
        fldcw   180(%rsp)
        movdqu  0(%rsp), %xmm6
        movdqu  16(%rsp), %xmm7
        movdqu  32(%rsp), %xmm8
        movdqu  48(%rsp), %xmm9
        movdqu  64(%rsp), %xmm10
        movdqu  80(%rsp), %xmm11
        movdqu  96(%rsp), %xmm12
        movdqu  112(%rsp), %xmm13
        movdqu  128(%rsp), %xmm14
        movdqu  144(%rsp), %xmm15
        addq    $200, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rsi
        popq    %rdi
        popq    %rbp
        popq    %rbx
        ret
)");

}  // namespace drydock
