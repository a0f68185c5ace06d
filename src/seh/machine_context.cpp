#include "seh/machine_context.h"

#include <cstring>

namespace drydock::seh {
namespace {

constexpr unsigned kGeneralCount = 16;
constexpr ULONGLONG CONTEXT::*kGeneral[kGeneralCount] = {
    &CONTEXT::Rax, &CONTEXT::Rcx, &CONTEXT::Rdx, &CONTEXT::Rbx, &CONTEXT::Rsp, &CONTEXT::Rbp, &CONTEXT::Rsi, &CONTEXT::Rdi,
    &CONTEXT::R8,  &CONTEXT::R9,  &CONTEXT::R10, &CONTEXT::R11, &CONTEXT::R12, &CONTEXT::R13, &CONTEXT::R14, &CONTEXT::R15};
constexpr Gpr kInFrame[kGeneralCount] = {Gpr::rax, Gpr::rcx, Gpr::rdx, Gpr::rbx, Gpr::rsp, Gpr::rbp, Gpr::rsi, Gpr::rdi,
                                         Gpr::r8,  Gpr::r9,  Gpr::r10, Gpr::r11, Gpr::r12, Gpr::r13, Gpr::r14, Gpr::r15};
constexpr unsigned kRsp = 4;
constexpr USHORT kKernelCode = 0x10, kKernelStack = 0x18, kKernelData = 0x2B, kTebSegment = 0x53;  // ASSUMED: as x64 kernels set them
// Flags a program may change; the rest are the processor's and the system's.
constexpr std::uint64_t kFlagsOfPrograms = kFlagCarry | kFlagParity | kFlagAdjust | kFlagZero | kFlagSign | kFlagDirection | kFlagOverflow;

M128A* xmm_of(CONTEXT& context) { return context.FltSave.XmmRegisters; }
const M128A* xmm_of(const CONTEXT& context) { return context.FltSave.XmmRegisters; }
bool has(const CONTEXT& context, ULONG part) { return (context.ContextFlags & part) == part; }

}  // namespace

void put_registers(CONTEXT& to, const RegisterContext& from) {
  RegisterContext copy = from;
  for (unsigned i = 0; i < kGeneralCount; ++i) {
    to.*kGeneral[i] = copy.general(i);
    std::memcpy(&xmm_of(to)[i], &from.xmm[i], sizeof(M128A));
  }
  to.Rip = from.rip;
}

void fill_context(CONTEXT& to, const RegisterContext& at, const TrapFrame& from) {
  std::memset(&to, 0, sizeof to);
  to.ContextFlags = CONTEXT_FULL | CONTEXT_SEGMENTS;
  to.SegCs = kKernelCode;
  to.SegSs = kKernelStack;
  to.SegDs = to.SegEs = to.SegGs = kKernelData;
  to.SegFs = kTebSegment;
  to.EFlags = static_cast<ULONG>(from[Gpr::flags]);
  to.MxCsr = to.FltSave.MxCsr = from.mxcsr();
  put_registers(to, at);
}

void fill_context(CONTEXT& to, const TrapFrame& from) { fill_context(to, context_of(from), from); }

RegisterContext registers_in(const CONTEXT& context) {
  RegisterContext registers;
  for (unsigned i = 0; i < kGeneralCount; ++i) {
    registers.general(i) = context.*kGeneral[i];
    std::memcpy(&registers.xmm[i], &xmm_of(context)[i], sizeof(M128A));
  }
  registers.rip = context.Rip;
  return registers;
}

void apply_context(TrapFrame& to, const CONTEXT& from) {
  const RegisterContext registers = registers_in(from);
  RegisterContext copy = registers;
  for (unsigned i = 0; i < kGeneralCount; ++i)
    if (has(from, i == kRsp ? CONTEXT_CONTROL : CONTEXT_INTEGER)) to[kInFrame[i]] = copy.general(i);
  if (has(from, CONTEXT_CONTROL)) {
    to[Gpr::rip] = from.Rip;
    to[Gpr::flags] = (to[Gpr::flags] & ~kFlagsOfPrograms) | (from.EFlags & kFlagsOfPrograms);
  }
  if (!has(from, CONTEXT_FLOATING_POINT)) return;
  constexpr std::uint32_t kMxcsrBits = 0xFFFF;  // a reserved bit would be a fault of the host's
  for (unsigned i = 0; i < kGeneralCount; ++i) to.set_xmm(i, registers.xmm[i]);
  to.set_mxcsr(from.MxCsr & kMxcsrBits);
}

void apply_registers(TrapFrame& to, const RegisterContext& from) {
  RegisterContext copy = from;
  for (unsigned i = 0; i < kGeneralCount; ++i) {
    to[kInFrame[i]] = copy.general(i);
    to.set_xmm(i, from.xmm[i]);
  }
  to[Gpr::rip] = from.rip;
  to[Gpr::flags] &= ~kFlagDirection;
}

}  // namespace drydock::seh
