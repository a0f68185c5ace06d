#pragma once
// TrapFrame: everything the processor held when an instruction of a driver trapped, on the driver's own stack, below its
// rsp. A signal handler fills the general registers and sends the thread to a trampoline; the trampoline adds the
// extended state (x87, SSE, AVX, AVX-512), calls `service` as ordinary code, and afterwards continues the driver with
// whatever the frame then holds. Nothing outside the frame is kept: the service may switch stacks or be abandoned.

#include <cstddef>
#include <cstdint>

namespace drydock {

/// The general registers, in the order of the kernel's signal context (REG_R8 … REG_CR2 of <sys/ucontext.h>).
enum class Gpr : std::uint8_t {
  r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags, segments, error, trap_number,
  old_mask, cr2
};
inline constexpr std::size_t kGprCount = 23;

struct Xmm {
  alignas(16) std::uint8_t bytes[16];
};

inline constexpr std::uint64_t kFlagCarry = 0x1, kFlagParity = 0x4, kFlagAdjust = 0x10, kFlagZero = 0x40,
                               kFlagSign = 0x80, kFlagTrap = 0x100, kFlagInterrupt = 0x200, kFlagDirection = 0x400,
                               kFlagOverflow = 0x800, kFlagAlignment = 0x40000;

struct alignas(64) TrapFrame {
  std::uint64_t gregs[kGprCount];
  void (*service)(TrapFrame*);   // what the trampoline calls
  std::uint64_t fault_address;   // what was touched; 0 when the processor does not say (#GP)
  std::int32_t signal;           // SIGSEGV, SIGILL, …
  std::int32_t signal_code;      // si_code
  std::uint64_t extended_mask;   // the state components saved in the area that follows
  std::uint8_t unused[40];
  // the XSAVE area follows at kExtendedOffset

  std::uint64_t& operator[](Gpr r) { return gregs[static_cast<std::size_t>(r)]; }
  std::uint64_t operator[](Gpr r) const { return gregs[static_cast<std::size_t>(r)]; }
  std::uint64_t rip() const { return (*this)[Gpr::rip]; }
  std::uint64_t rsp() const { return (*this)[Gpr::rsp]; }
  bool is_page_fault() const { return (*this)[Gpr::trap_number] == 14; }
  bool has_fault_address() const;  // a page fault says what was touched, a general protection fault does not
  bool is_write() const { return ((*this)[Gpr::error] & 2) != 0; }        // of a page fault
  bool is_fetch() const { return ((*this)[Gpr::error] & 16) != 0 || fault_address == rip(); }  // of a page fault

  Xmm xmm(unsigned index) const;
  void set_xmm(unsigned index, const Xmm& value);
  std::uint32_t mxcsr() const;
  void set_mxcsr(std::uint32_t value);
};

inline constexpr std::size_t kExtendedOffset = 256;
static_assert(sizeof(TrapFrame) == kExtendedOffset);

/// Bytes of a frame with its extended state on this processor; a multiple of 64.
std::size_t trap_frame_size();

/// Prepares a frame at `frame` (64-byte aligned, trap_frame_size() bytes) from the registers of a signal context.
/// Async-signal-safe. The caller then sets rsp = frame and rip = trap_trampoline().
void fill_trap_frame(TrapFrame* frame, const long long* gregs, void (*service)(TrapFrame*));

/// Where a thread must continue, with rsp = the frame and DF, TF and AC clear.
std::uintptr_t trap_trampoline();

/// Continues the driver with what `frame` holds; the frame lies on the driver's stack, below the rsp in it. Everything
/// between is abandoned, nothing unwinds.
[[noreturn]] void resume_frame(TrapFrame& frame);

}  // namespace drydock
