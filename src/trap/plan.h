#pragma once
// Plan: what will be done whenever the processor traps on an instruction with these bytes. Made once, never changed, so a
// trap inside a trap may use it too.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "trap/code_cache.h"
#include "trap/instruction.h"

namespace drydock {

enum class PlanKind : std::uint8_t {
  illegal,     // no instruction
  refused,     // `refusal` says why
  privileged,  // for Privileged
  redirected,  // run from `code` with the memory operand in a scratch slot
  string,      // movs, stos, lods, scas, cmps
  push,        // push, pop, call and jmp with an operand in memory
  pop,
  call,
  jump,
  nothing      // cache hints
};

struct Plan {
  PlanKind kind = PlanKind::illegal;
  Instruction instruction{};
  std::string refusal;

  // The memory operand of all kinds that have one.
  const ZydisDecodedOperand* memory = nullptr;
  unsigned size = 0;
  bool reads = false;
  bool writes = false;

  // redirected
  const void* code = nullptr;
  Gpr scratch = Gpr::rdi;          // points to the slot while the instruction runs
  std::optional<Gpr> stand_in;     // where rsp is an operand: the register that has its value while the instruction runs
  bool divides = false;            // its operand may have no quotient
  std::optional<Gpr> bit_offset;   // bt and its kin: a register that reaches beyond the operand
  bool uses_vectors = false;
  std::uint32_t vectors_written = 0;

  /// With the displacement of a bit offset.
  std::uint64_t address(const TrapFrame& frame) const;
};

/// `plan` must stay where it is. Never fails: what cannot be executed is `refused`.
void make_plan(const Instruction& instruction, CodeCache& cache, Plan& plan);

}  // namespace drydock
