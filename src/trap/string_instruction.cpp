#include "trap/string_instruction.h"

#include <algorithm>
#include <cstring>

namespace drydock {
namespace {

/// The status flags of a - b, from the processor. The stack pointer steps over the red zone of the calling function.
template <class T>
std::uint64_t flags_of_comparison(T a, T b) {
  std::uint64_t flags;
  asm("leaq -128(%%rsp), %%rsp\n\tcmp %2, %1\n\tpushfq\n\tpopq %0\n\tleaq 128(%%rsp), %%rsp" : "=&r"(flags) : "r"(a), "r"(b) : "cc");
  return flags;
}

void compare(TrapFrame& frame, std::uint64_t a, std::uint64_t b, unsigned size) {
  constexpr std::uint64_t kStatus = kFlagCarry | kFlagParity | kFlagAdjust | kFlagZero | kFlagSign | kFlagOverflow;
  std::uint64_t flags = 0;
  switch (size) {
    case 1: flags = flags_of_comparison(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)); break;
    case 2: flags = flags_of_comparison(static_cast<std::uint16_t>(a), static_cast<std::uint16_t>(b)); break;
    case 4: flags = flags_of_comparison(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b)); break;
    default: flags = flags_of_comparison(a, b); break;
  }
  frame[Gpr::flags] = (frame[Gpr::flags] & ~kStatus) | (flags & kStatus);
}

enum class Operation : std::uint8_t { movs, stos, lods, scas, cmps };

Operation operation_of(const Instruction& i) {
  switch (i.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_STOSB: case ZYDIS_MNEMONIC_STOSW: case ZYDIS_MNEMONIC_STOSD: case ZYDIS_MNEMONIC_STOSQ:
      return Operation::stos;
    case ZYDIS_MNEMONIC_LODSB: case ZYDIS_MNEMONIC_LODSW: case ZYDIS_MNEMONIC_LODSD: case ZYDIS_MNEMONIC_LODSQ:
      return Operation::lods;
    case ZYDIS_MNEMONIC_SCASB: case ZYDIS_MNEMONIC_SCASW: case ZYDIS_MNEMONIC_SCASD: case ZYDIS_MNEMONIC_SCASQ:
      return Operation::scas;
    case ZYDIS_MNEMONIC_CMPSB: case ZYDIS_MNEMONIC_CMPSW: case ZYDIS_MNEMONIC_CMPSD: case ZYDIS_MNEMONIC_CMPSQ:
      return Operation::cmps;
    default:
      return Operation::movs;
  }
}

ZydisRegister accumulator(unsigned size) {
  return size == 1 ? ZYDIS_REGISTER_AL : size == 2 ? ZYDIS_REGISTER_AX : size == 4 ? ZYDIS_REGISTER_EAX : ZYDIS_REGISTER_RAX;
}

bool run_element(Operation operation, unsigned size, std::uint64_t step, TrapFrame& frame, OperandMemory& memory) {
  std::uint64_t source = 0, target = 0;
  std::uint64_t& rsi = frame[Gpr::rsi];
  std::uint64_t& rdi = frame[Gpr::rdi];
  const bool from_rsi = operation == Operation::movs || operation == Operation::lods || operation == Operation::cmps;
  const bool compares = operation == Operation::scas || operation == Operation::cmps;
  if (from_rsi && !memory.read(rsi, &source, size)) return false;
  if (compares && !memory.read(rdi, &target, size)) return false;
  if (operation == Operation::movs && !memory.write(rdi, &source, size)) return false;
  if (operation == Operation::stos && !memory.write(rdi, &frame[Gpr::rax], size)) return false;
  if (operation == Operation::lods) write_register(frame, accumulator(size), source);
  if (operation == Operation::scas) compare(frame, frame[Gpr::rax], target, size);
  if (operation == Operation::cmps) compare(frame, source, target, size);
  if (from_rsi) rsi += step;
  if (operation != Operation::lods) rdi += step;
  return true;
}

}  // namespace

unsigned string_element_size(const Instruction& instruction) {
  return size_in_bytes(*std::ranges::find_if(instruction.all(), is_memory_access));
}

bool is_repeated(const Instruction& instruction) {
  return instruction.has(ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
}

std::uint64_t string_step(const Instruction& instruction, const TrapFrame& frame) {
  const std::uint64_t size = string_element_size(instruction);
  return (frame[Gpr::flags] & kFlagDirection) ? -size : size;
}

bool run_string_instruction(const Instruction& instruction, TrapFrame& frame, OperandMemory& memory) {
  const Operation operation = operation_of(instruction);
  const unsigned size = string_element_size(instruction);
  const std::uint64_t step = string_step(instruction, frame);
  if (!is_repeated(instruction)) return run_element(operation, size, step, frame, memory);
  const bool compares = operation == Operation::scas || operation == Operation::cmps;
  const bool until_equal = instruction.has(ZYDIS_ATTRIB_HAS_REPNE);
  std::uint64_t& rcx = frame[Gpr::rcx];
  while (rcx != 0) {
    if (!run_element(operation, size, step, frame, memory)) return false;
    --rcx;
    const bool equal = (frame[Gpr::flags] & kFlagZero) != 0;
    if (compares && equal == until_equal) break;
  }
  return true;
}

}  // namespace drydock
