#include "abi/trap_frame.h"

#include <cpuid.h>

#include <csignal>
#include <cstring>

extern "C" {
void drydock_trampoline_xsavec();
void drydock_trampoline_xsave();
[[noreturn]] void drydock_resume_frame(drydock::TrapFrame* frame);
}

namespace drydock {
namespace {

// Offsets in an XSAVE area; the first 576 bytes are the same in the standard and the compacted form (SDM volume 1, 13.4).
constexpr std::size_t kXmmOffset = 160, kMxcsrOffset = 24, kHeaderOffset = 512, kHeaderSize = 64, kLegacySize = 576;
constexpr std::uint64_t kSseComponent = 2;
constexpr std::uint32_t kMxcsrInitial = 0x1F80;
// x87, SSE, AVX and AVX-512: what glibc's string functions may destroy. AMX would be 8 KiB and nobody may use it unasked.
constexpr std::uint64_t kComponents = 0xff;

struct ExtendedState {
  std::uint64_t mask = 0;
  std::size_t size = 0;
  bool compacted = false;  // valgrind has no XSAVEC
};

std::uint64_t enabled_components() {
  std::uint32_t low, high;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}

ExtendedState detect() {
  ExtendedState state;
  unsigned a, b, c, d;
  state.mask = enabled_components() & kComponents;
  __cpuid_count(0xD, 1, a, b, c, d);
  state.compacted = (a & 2) != 0;
  state.size = kLegacySize;
  for (unsigned i = 2; i < 8; ++i) {
    if ((state.mask >> i & 1) == 0) continue;
    __cpuid_count(0xD, i, a, b, c, d);
    if (state.compacted) {
      if (c & 2) state.size = (state.size + 63) & ~std::size_t{63};
      state.size += a;
    } else if (b + a > state.size) {
      state.size = b + a;
    }
  }
  return state;
}

const ExtendedState kExtended = detect();

std::uint8_t* area(TrapFrame& frame) { return reinterpret_cast<std::uint8_t*>(&frame) + kExtendedOffset; }
const std::uint8_t* area(const TrapFrame& frame) {
  return reinterpret_cast<const std::uint8_t*>(&frame) + kExtendedOffset;
}

bool sse_in_use(const TrapFrame& frame) {
  std::uint64_t in_use;
  std::memcpy(&in_use, area(frame) + kHeaderOffset, sizeof in_use);
  return (in_use & kSseComponent) != 0;
}

/// A component in its initial state is not in the area; writing one of its registers brings all of it there.
void bring_sse_into_use(TrapFrame& frame) {
  if (sse_in_use(frame)) return;
  std::memset(area(frame) + kXmmOffset, 0, 16 * sizeof(Xmm));
  std::memcpy(area(frame) + kMxcsrOffset, &kMxcsrInitial, sizeof kMxcsrInitial);
  std::uint64_t in_use;
  std::memcpy(&in_use, area(frame) + kHeaderOffset, sizeof in_use);
  in_use |= kSseComponent;
  std::memcpy(area(frame) + kHeaderOffset, &in_use, sizeof in_use);
}

}  // namespace

bool TrapFrame::has_fault_address() const {
  return (signal == SIGSEGV || signal == SIGBUS) && signal_code != SI_KERNEL;
}

Xmm TrapFrame::xmm(unsigned index) const {
  Xmm value{};
  if (sse_in_use(*this)) std::memcpy(&value, area(*this) + kXmmOffset + index * sizeof(Xmm), sizeof value);
  return value;
}

void TrapFrame::set_xmm(unsigned index, const Xmm& value) {
  bring_sse_into_use(*this);
  std::memcpy(area(*this) + kXmmOffset + index * sizeof(Xmm), &value, sizeof value);
}

std::uint32_t TrapFrame::mxcsr() const {
  if (!sse_in_use(*this)) return kMxcsrInitial;
  std::uint32_t value;
  std::memcpy(&value, area(*this) + kMxcsrOffset, sizeof value);
  return value;
}

void TrapFrame::set_mxcsr(std::uint32_t value) {
  bring_sse_into_use(*this);
  std::memcpy(area(*this) + kMxcsrOffset, &value, sizeof value);
}

std::size_t trap_frame_size() { return (kExtendedOffset + kExtended.size + 63) & ~std::size_t{63}; }

void fill_trap_frame(TrapFrame* frame, const long long* gregs, void (*service)(TrapFrame*)) {
  for (std::size_t i = 0; i < kGprCount; ++i) frame->gregs[i] = static_cast<std::uint64_t>(gregs[i]);
  frame->service = service;
  frame->extended_mask = kExtended.mask;
  std::memset(area(*frame) + kHeaderOffset, 0, kHeaderSize);  // XRSTOR refuses a header with stray bits
}

std::uintptr_t trap_trampoline() {
  return reinterpret_cast<std::uintptr_t>(kExtended.compacted ? drydock_trampoline_xsavec : drydock_trampoline_xsave);
}

void resume_frame(TrapFrame& frame) { drydock_resume_frame(&frame); }

}  // namespace drydock
