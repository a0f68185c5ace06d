#include "trap/privileged.h"

#include <fmt/format.h>

#include <algorithm>

#include "trap/operand_memory.h"
#include "trap/plan.h"
#include "trap/string_instruction.h"

namespace drydock {
namespace {

using Result = PrivilegedOutcome::Result;

// Software interrupts of the Windows kernel on x64 that a driver's compiler emits.
constexpr std::uint64_t kFastFail = 0x29, kAssertion = 0x2C, kDebugService = 0x2D, kBreakpoint = 3;

bool refused(PrivilegedOutcome& outcome, std::string reason) {
  outcome = {.result = Result::refused, .address = 0, .reason = std::move(reason)};
  return false;
}

// --- ports --------------------------------------------------------------------------------------------------------------

std::uint16_t port_of(const ZydisDecodedOperand& operand, const TrapFrame& frame) {
  if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) return static_cast<std::uint8_t>(operand.imm.value.u);
  return static_cast<std::uint16_t>(frame[Gpr::rdx]);
}

void run_in(const Instruction& i, TrapFrame& frame, Privileged& privileged) {
  const ZydisDecodedOperand& target = i.operands[0];
  write_register(frame, target.reg.value, privileged.in(port_of(i.operands[1], frame), size_in_bytes(target)));
}

void run_out(const Instruction& i, TrapFrame& frame, Privileged& privileged) {
  const ZydisDecodedOperand& source = i.operands[1];
  privileged.out(port_of(i.operands[0], frame), size_in_bytes(source),
                 static_cast<std::uint32_t>(read_register(frame, source.reg.value)));
}

bool is_input(const Instruction& i) {
  return i.is(ZYDIS_MNEMONIC_INSB) || i.is(ZYDIS_MNEMONIC_INSW) || i.is(ZYDIS_MNEMONIC_INSD);
}

bool run_port_string_element(const Instruction& i, TrapFrame& frame, Privileged& privileged, OperandMemory& memory) {
  const unsigned size = string_element_size(i);
  const auto port = static_cast<std::uint16_t>(frame[Gpr::rdx]);
  std::uint64_t& pointer = frame[is_input(i) ? Gpr::rdi : Gpr::rsi];
  std::uint32_t value = 0;
  if (is_input(i)) {
    value = privileged.in(port, size);
    if (!memory.write(pointer, &value, size)) return false;
  } else {
    if (!memory.read(pointer, &value, size)) return false;
    privileged.out(port, size, value);
  }
  pointer += string_step(i, frame);
  return true;
}

bool run_port_string(const Instruction& i, TrapFrame& frame, Privileged& privileged, OperandMemory& memory) {
  if (!is_repeated(i)) return run_port_string_element(i, frame, privileged, memory);
  for (std::uint64_t& rcx = frame[Gpr::rcx]; rcx != 0; --rcx)
    if (!run_port_string_element(i, frame, privileged, memory)) return false;
  return true;
}

// --- control registers and MSRs -----------------------------------------------------------------------------------------

bool is_control(ZydisRegister reg) { return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_CONTROL; }
bool is_debug(ZydisRegister reg) { return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_DEBUG; }
unsigned number_of(ZydisRegister reg) { return static_cast<unsigned>(ZydisRegisterGetId(reg)); }

std::optional<std::uint64_t> read_special(ZydisRegister reg, Privileged& privileged) {
  if (reg == ZYDIS_REGISTER_CR8) return privileged.read_cr8();
  return is_control(reg) ? privileged.read_control(number_of(reg)) : privileged.read_debug(number_of(reg));
}

bool write_special(ZydisRegister reg, std::uint64_t value, Privileged& privileged) {
  if (reg == ZYDIS_REGISTER_CR8) return privileged.write_cr8(value), true;
  return is_control(reg) ? privileged.write_control(number_of(reg), value) : privileged.write_debug(number_of(reg), value);
}

bool run_mov(const Instruction& i, TrapFrame& frame, Privileged& privileged, PrivilegedOutcome& outcome) {
  const ZydisRegister to = i.operands[0].reg.value, from = i.operands[1].reg.value;
  const bool is_write = is_control(to) || is_debug(to);
  const ZydisRegister special = is_write ? to : from;
  bool done = true;
  if (is_write) {
    done = write_special(to, read_register(frame, from), privileged);
  } else if (const auto value = read_special(from, privileged)) {
    write_register(frame, to, *value);
  } else {
    done = false;
  }
  return done || refused(outcome, fmt::format("{} of {}, which this machine does not have", is_write ? "a write" : "a read",
                                              ZydisRegisterGetString(special)));
}

bool run_rdmsr(TrapFrame& frame, Privileged& privileged, PrivilegedOutcome& outcome) {
  const auto index = static_cast<std::uint32_t>(frame[Gpr::rcx]);
  const auto value = privileged.read_msr(index);
  if (!value) return refused(outcome, fmt::format("rdmsr of {:#x}, which this machine does not have", index));
  frame[Gpr::rax] = *value & 0xFFFFFFFF;
  frame[Gpr::rdx] = *value >> 32;
  return true;
}

bool run_wrmsr(TrapFrame& frame, Privileged& privileged, PrivilegedOutcome& outcome) {
  const auto index = static_cast<std::uint32_t>(frame[Gpr::rcx]);
  const std::uint64_t value = (frame[Gpr::rax] & 0xFFFFFFFF) | frame[Gpr::rdx] << 32;
  if (privileged.write_msr(index, value)) return true;
  return refused(outcome, fmt::format("wrmsr of {:#x}, which this machine does not have", index));
}

// --- software interrupts ------------------------------------------------------------------------------------------------

bool run_int(std::uint64_t vector, TrapFrame& frame, Privileged& privileged, PrivilegedOutcome& outcome) {
  switch (vector) {
    case kFastFail: privileged.fast_fail(frame, static_cast<std::uint32_t>(frame[Gpr::rcx])); break;
    case kAssertion: privileged.assertion_failed(frame); return true;
    case kDebugService:
    case kBreakpoint: privileged.breakpoint(frame); return true;
  }
  return refused(outcome, fmt::format("int {:#x}", vector));
}

bool run(const Instruction& i, TrapFrame& frame, Privileged& privileged, TrapRegions& regions, PrivilegedOutcome& outcome) {
  if (i.decoded.meta.category == ZYDIS_CATEGORY_IOSTRINGOP) {
    OperandMemory memory(regions);
    if (run_port_string(i, frame, privileged, memory)) return true;
    outcome = {.result = Result::wild, .address = memory.refused_at(), .reason = {}};
    return false;
  }
  switch (i.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_MOV: return run_mov(i, frame, privileged, outcome);
    case ZYDIS_MNEMONIC_IN: run_in(i, frame, privileged); return true;
    case ZYDIS_MNEMONIC_OUT: run_out(i, frame, privileged); return true;
    case ZYDIS_MNEMONIC_CLI: privileged.cli(); return true;
    case ZYDIS_MNEMONIC_STI: privileged.sti(); return true;
    case ZYDIS_MNEMONIC_HLT: privileged.hlt(); return true;
    case ZYDIS_MNEMONIC_WBINVD:
    case ZYDIS_MNEMONIC_INVD:
    case ZYDIS_MNEMONIC_INVLPG: privileged.cache_control(); return true;
    case ZYDIS_MNEMONIC_RDMSR: return run_rdmsr(frame, privileged, outcome);
    case ZYDIS_MNEMONIC_WRMSR: return run_wrmsr(frame, privileged, outcome);
    case ZYDIS_MNEMONIC_INT3: privileged.breakpoint(frame); return true;
    case ZYDIS_MNEMONIC_INT: return run_int(i.operands[0].imm.value.u, frame, privileged, outcome);
    default: return refused(outcome, fmt::format("{} is for the kernel itself, not for a driver", i.name()));
  }
}

}  // namespace

PrivilegedOutcome execute_privileged(const Plan& plan, TrapFrame& frame, Privileged& privileged, TrapRegions& regions) {
  PrivilegedOutcome outcome;
  const std::uint64_t rip = frame.rip();
  const bool done = run(plan.instruction, frame, privileged, regions, outcome);
  if (done && frame.rip() == rip) frame[Gpr::rip] += plan.instruction.length();  // unless the machine went elsewhere
  return outcome;
}

}  // namespace drydock
