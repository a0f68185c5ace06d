#pragma once
// The switch from one stack to another. Inlined where it is used: a switch behind a call leaves the return predictor one
// entry off on both sides, which costs four times the switch itself (25 ns against 5 there and back). It keeps rbp and the
// control words of SSE and x87 (a driver may have changed them); every other register is the compiler's to save. A stack
// that is never continued is simply forgotten: nothing unwinds, so it may be unmapped under frames of a driver.

#include <cstddef>
#include <cstdint>

extern "C" void drydock_stack_entry();  // stack_switch.S

namespace drydock::stack_switch {

/// rsp of a stack that is not running.
using Context = void*;
using Entry = void (*)(void* message);

/// A context that calls `entry` (which must never return) on the stack that ends at `top`, 16-byte aligned.
inline Context make(void* top, Entry entry) {
  auto* words = static_cast<std::uint64_t*>(top) - 4;
  constexpr std::uint64_t kControlWords = 0x037F'0000'1F80;  // x87 and MXCSR as a process starts with them
  words[0] = kControlWords;
  words[1] = reinterpret_cast<std::uintptr_t>(&drydock_stack_entry);
  words[2] = reinterpret_cast<std::uintptr_t>(entry);
  words[3] = 0;
  return words;
}

/// Keeps the running stack's context in *save and goes on with `to`. Returns when somebody jumps to what was saved. A
/// context that starts gets `message`.
[[gnu::always_inline]] inline void jump(Context* save, Context to, void* message) {
  asm volatile(
      "leaq 1f(%%rip), %%r8\n\t"
      "leaq -136(%%rsp), %%rsp\n\t"  // over the red zone of the function this is in
      "pushq %%rbp\n\t"
      "pushq %%r8\n\t"
      "leaq -8(%%rsp), %%rsp\n\t"
      "stmxcsr (%%rsp)\n\t"
      "fnstcw 4(%%rsp)\n\t"
      "movl (%%rsp), %%ecx\n\t"
      "movzwl 4(%%rsp), %%edx\n\t"
      "movq %%rsp, (%0)\n\t"
      "movq %1, %%rsp\n\t"
      "cmpl %%ecx, (%%rsp)\n\t"      // loading them costs more than comparing
      "jne 2f\n\t"
      "cmpw %%dx, 4(%%rsp)\n\t"
      "je 3f\n"
      "2:\tldmxcsr (%%rsp)\n\t"
      "fldcw 4(%%rsp)\n"
      "3:\tleaq 8(%%rsp), %%rsp\n\t"
      "popq %%r8\n\t"
      "jmp *%%r8\n"
      "1:\tpopq %%rbp\n\t"
      "leaq 136(%%rsp), %%rsp"
      : "+D"(save), "+S"(to), "+a"(message)
      :
      : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory", "xmm0", "xmm1", "xmm2",
        "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

}  // namespace drydock::stack_switch
