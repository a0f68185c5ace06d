#pragma once
// movs, stos, lods, scas and cmps with and without repeat prefixes: their memory operands are in rsi and rdi, one or both
// of which may be trapped memory.

#include "trap/operand_memory.h"
#include "trap/plan.h"

namespace drydock {

/// True: done, registers and flags are as after the instruction (rip is the caller's). False: an element could not be
/// accessed; the elements before it are done and the registers say so, as on the processor.
bool run_string_instruction(const Instruction& instruction, TrapFrame& frame, OperandMemory& memory);

/// The element size of a string instruction, ins and outs included.
unsigned string_element_size(const Instruction& instruction);
bool is_repeated(const Instruction& instruction);
/// What rsi and rdi change by per element.
std::uint64_t string_step(const Instruction& instruction, const TrapFrame& frame);

}  // namespace drydock
