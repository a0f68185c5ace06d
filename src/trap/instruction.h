#pragma once
// Instruction: the decoded form of one machine instruction of a driver, and how its operands read from and write to the
// registers of a TrapFrame.

#include <Zydis/Zydis.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "abi/trap_frame.h"

namespace drydock {

struct Instruction {
  ZydisDecodedInstruction decoded;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;

  unsigned length() const { return decoded.length; }
  std::span<const ZydisDecodedOperand> all() const { return {operands.data(), decoded.operand_count}; }
  std::span<const ZydisDecodedOperand> visible() const { return {operands.data(), decoded.operand_count_visible}; }
  bool is(ZydisMnemonic mnemonic) const { return decoded.mnemonic == mnemonic; }
  bool has(ZydisInstructionAttributes attribute) const { return (decoded.attributes & attribute) != 0; }
  /// "mov", for reports.
  std::string name() const;
};

/// nullopt when the bytes are no instruction.
std::optional<Instruction> decode(std::span<const std::uint8_t> bytes);

bool is_memory_access(const ZydisDecodedOperand& operand);  // not the address arithmetic of lea
inline bool reads(const ZydisDecodedOperand& operand) { return (operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0; }
inline bool writes(const ZydisDecodedOperand& operand) { return (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0; }
inline unsigned size_in_bytes(const ZydisDecodedOperand& operand) { return operand.size / 8u; }

/// The general register that `reg` is all or part of; nullopt for every other kind of register.
std::optional<Gpr> general_register(ZydisRegister reg);
/// The Zydis name of the whole register.
ZydisRegister whole_register(Gpr reg);

/// Values of general registers of 1, 2, 4 and 8 bytes, ah to bh included. Writing 4 bytes clears the upper half.
std::uint64_t read_register(const TrapFrame& frame, ZydisRegister reg);
void write_register(TrapFrame& frame, ZydisRegister reg, std::uint64_t value);

/// The address that a memory operand names. The frame's rip is that of the instruction.
std::uint64_t address_of(const ZydisDecodedOperand& operand, const Instruction& instruction, const TrapFrame& frame);

}  // namespace drydock
