#include "trap/plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace drydock {
namespace {

bool is_control_or_debug_register(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
  const ZydisRegisterClass c = ZydisRegisterGetClass(operand.reg.value);
  return c == ZYDIS_REGCLASS_CONTROL || c == ZYDIS_REGCLASS_DEBUG;
}

bool is_privileged(const Instruction& i) {
  switch (i.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_IN: case ZYDIS_MNEMONIC_OUT: case ZYDIS_MNEMONIC_CLI: case ZYDIS_MNEMONIC_STI:
    case ZYDIS_MNEMONIC_HLT: case ZYDIS_MNEMONIC_RDMSR: case ZYDIS_MNEMONIC_WRMSR: case ZYDIS_MNEMONIC_WBINVD:
    case ZYDIS_MNEMONIC_INVD: case ZYDIS_MNEMONIC_INVLPG: case ZYDIS_MNEMONIC_INT: case ZYDIS_MNEMONIC_INT1:
    case ZYDIS_MNEMONIC_INT3:
      return true;
    case ZYDIS_MNEMONIC_MOV:
      return std::ranges::any_of(i.visible(), is_control_or_debug_register);
    default:
      return i.decoded.meta.category == ZYDIS_CATEGORY_IOSTRINGOP || i.has(ZYDIS_ATTRIB_IS_PRIVILEGED);
  }
}

bool is_cache_hint(const Instruction& i) {
  switch (i.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_CLFLUSH: case ZYDIS_MNEMONIC_CLFLUSHOPT: case ZYDIS_MNEMONIC_CLWB: return true;
    default: return false;
  }
}

PlanKind kind_of(const Instruction& i) {
  if (is_privileged(i)) return PlanKind::privileged;
  if (is_cache_hint(i)) return PlanKind::nothing;
  if (i.decoded.meta.category == ZYDIS_CATEGORY_STRINGOP) return PlanKind::string;
  switch (i.decoded.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH: return PlanKind::push;
    case ZYDIS_MNEMONIC_POP: return PlanKind::pop;
    case ZYDIS_MNEMONIC_CALL: return PlanKind::call;
    case ZYDIS_MNEMONIC_JMP: return PlanKind::jump;
    default: return PlanKind::redirected;
  }
}

// --- what is refused ----------------------------------------------------------------------------------------------------

bool names_stack_pointer(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && general_register(operand.reg.value) == Gpr::rsp;
}

/// A stack pointer that came out of a register of a device could not be returned to.
bool changes_stack_pointer(const ZydisDecodedOperand& operand) { return names_stack_pointer(operand) && writes(operand); }

bool is_foreign_register(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
  switch (ZydisRegisterGetClass(operand.reg.value)) {
    case ZYDIS_REGCLASS_GPR8: case ZYDIS_REGCLASS_GPR16: case ZYDIS_REGCLASS_GPR32: case ZYDIS_REGCLASS_GPR64:
    case ZYDIS_REGCLASS_XMM: case ZYDIS_REGCLASS_FLAGS:
      return false;
    default:
      return operand.reg.value != ZYDIS_REGISTER_MXCSR;
  }
}

/// String instructions have their operands where rsi and rdi say; anything else about them is not looked at.
std::string reason_to_refuse_string(const Instruction& i) {
  if (i.decoded.address_width != 64) return fmt::format("{} has 32-bit addresses", i.name());
  for (const auto& operand : i.all())
    if (is_memory_access(operand) && (operand.mem.segment == ZYDIS_REGISTER_FS || operand.mem.segment == ZYDIS_REGISTER_GS))
      return fmt::format("{} goes through {}", i.name(), ZydisRegisterGetString(operand.mem.segment));
  return {};
}

bool is_vector_register(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
  const ZydisRegisterClass c = ZydisRegisterGetClass(operand.reg.value);
  return c == ZYDIS_REGCLASS_XMM || c == ZYDIS_REGCLASS_YMM || c == ZYDIS_REGCLASS_ZMM || c == ZYDIS_REGCLASS_MASK;
}

/// VEX is also how andn, shlx and their kin are encoded, which have general registers only.
bool is_avx(const Instruction& i) {
  switch (i.decoded.encoding) {
    case ZYDIS_INSTRUCTION_ENCODING_LEGACY: return false;
    case ZYDIS_INSTRUCTION_ENCODING_VEX: return std::ranges::any_of(i.all(), is_vector_register);
    default: return true;
  }
}

/// Empty when the instruction can be stood in for.
std::string reason_to_refuse(const Plan& plan) {
  const Instruction& i = plan.instruction;
  const auto accesses = std::ranges::count_if(i.all(), is_memory_access);
  if (is_avx(i))
    return fmt::format("{} is an AVX form, which drydock does not complete on memory of this kind", i.name());
  if (accesses != 1 || !plan.memory || plan.memory->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
    return fmt::format("{} does not have one memory operand that could be stood in for", i.name());
  if (plan.size == 0 || plan.size > sizeof(Xmm)) return fmt::format("{} accesses {} bytes at once", i.name(), plan.size);
  if (std::ranges::any_of(i.all(), changes_stack_pointer)) return fmt::format("{} changes rsp", i.name());
  for (const auto& operand : i.all())
    if (is_foreign_register(operand))
      return fmt::format("{} uses {}", i.name(), ZydisRegisterGetString(operand.reg.value));
  if (plan.memory->mem.segment == ZYDIS_REGISTER_FS) return fmt::format("{} goes through fs", i.name());
  return {};
}

// --- redirection --------------------------------------------------------------------------------------------------------

bool uses(const Instruction& i, Gpr reg) {
  return std::ranges::any_of(i.all(), [&](const ZydisDecodedOperand& operand) {
    return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && general_register(operand.reg.value) == reg;
  });
}

/// Registers that need no REX prefix first: ah to bh cannot be named together with one.
Gpr free_register(const Instruction& i, std::optional<Gpr> taken = {}) {
  constexpr Gpr kInOrder[] = {Gpr::rdi, Gpr::rsi, Gpr::rbx, Gpr::rdx, Gpr::rcx, Gpr::rax, Gpr::rbp};
  return *std::ranges::find_if(kInOrder, [&](Gpr reg) { return reg != taken && !uses(i, reg); });  // no instruction names six
}

/// The register that is the same part of `whole` as `part` is of its own register: (esp, rdi) -> edi.
ZydisRegister same_part(ZydisRegister part, Gpr whole) {
  const auto number = static_cast<ZyanU8>(whole_register(whole) - ZYDIS_REGISTER_RAX);
  const ZydisRegisterClass c = ZydisRegisterGetClass(part);
  const bool behind_high_bytes = c == ZYDIS_REGCLASS_GPR8 && number >= 4;  // al cl dl bl ah ch dh bh spl bpl …
  return ZydisRegisterEncode(c, static_cast<ZyanU8>(behind_high_bytes ? number + 4 : number));
}

ZydisRegister without_stack_pointer(ZydisRegister reg, const Plan& plan) {
  return plan.stand_in && general_register(reg) == Gpr::rsp ? same_part(reg, *plan.stand_in) : reg;
}

/// The instruction again, with [plan.scratch] as its memory operand; empty when the encoder cannot.
std::vector<std::uint8_t> encode_redirected(const Plan& plan) {
  const Instruction& i = plan.instruction;
  ZydisEncoderRequest request;
  if (!ZYAN_SUCCESS(ZydisEncoderDecodedInstructionToEncoderRequest(&i.decoded, i.operands.data(),
                                                                   i.decoded.operand_count_visible, &request)))
    return {};
  request.prefixes = 0;  // no lock: the slot is private; no segment
  request.address_size_hint = ZYDIS_ADDRESS_SIZE_HINT_NONE;
  for (unsigned n = 0; n < request.operand_count; ++n) {
    auto& operand = request.operands[n];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) operand.reg.value = without_stack_pointer(operand.reg.value, plan);
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    operand.mem.base = whole_register(plan.scratch);
    operand.mem.index = ZYDIS_REGISTER_NONE;
    operand.mem.scale = 0;
    operand.mem.displacement = 0;
  }
  std::vector<std::uint8_t> bytes(ZYDIS_MAX_INSTRUCTION_LENGTH);
  ZyanUSize length = bytes.size();
  if (!ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&request, bytes.data(), &length))) return {};
  bytes.resize(length);
  return bytes;
}

bool same_operand(const ZydisDecodedOperand& a, const ZydisDecodedOperand& b, const Plan& plan) {
  if (a.type != b.type || a.size != b.size || a.actions != b.actions) return false;
  if (a.type == ZYDIS_OPERAND_TYPE_REGISTER) return a.reg.value == without_stack_pointer(b.reg.value, plan);
  if (a.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) return a.imm.value.u == b.imm.value.u;
  return true;
}

/// The encoder is not trusted blindly: what it made must decode to the same instruction.
bool means_the_same(const Plan& plan, std::span<const std::uint8_t> bytes) {
  const Instruction& original = plan.instruction;
  const std::optional<Instruction> again = decode(bytes);
  return again && again->decoded.mnemonic == original.decoded.mnemonic && again->length() == bytes.size() &&
         std::ranges::equal(again->visible(), original.visible(),
                            [&](const auto& a, const auto& b) { return same_operand(a, b, plan); });
}

bool reaches_beyond_its_operand(const Instruction& i) {
  const bool bit_test = i.is(ZYDIS_MNEMONIC_BT) || i.is(ZYDIS_MNEMONIC_BTS) || i.is(ZYDIS_MNEMONIC_BTR) ||
                        i.is(ZYDIS_MNEMONIC_BTC);
  return bit_test && i.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
}

/// By the extension, not by the operands: cvttsd2si changes MXCSR and names no vector register.
bool is_sse(const Instruction& i) {
  switch (i.decoded.meta.isa_ext) {
    case ZYDIS_ISA_EXT_SSE: case ZYDIS_ISA_EXT_SSE2: case ZYDIS_ISA_EXT_SSE3: case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_SSE4: case ZYDIS_ISA_EXT_AES: case ZYDIS_ISA_EXT_PCLMULQDQ:
      return true;
    default:
      return false;
  }
}

void note_vectors(Plan& plan) {
  plan.uses_vectors = is_sse(plan.instruction);
  for (const auto& operand : plan.instruction.all()) {
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const ZydisRegister reg = operand.reg.value;
    if (ZydisRegisterGetClass(reg) != ZYDIS_REGCLASS_XMM) continue;
    plan.uses_vectors = true;
    if (writes(operand)) plan.vectors_written |= 1u << (reg - ZYDIS_REGISTER_XMM0);
  }
}

void redirect(Plan& plan, CodeCache& cache) {
  const Instruction& i = plan.instruction;
  plan.scratch = free_register(i);
  if (std::ranges::any_of(i.visible(), names_stack_pointer)) plan.stand_in = free_register(i, plan.scratch);
  plan.divides = i.is(ZYDIS_MNEMONIC_DIV) || i.is(ZYDIS_MNEMONIC_IDIV);
  const std::vector<std::uint8_t> bytes = encode_redirected(plan);
  if (bytes.empty() || !means_the_same(plan, bytes)) {
    plan.kind = PlanKind::refused;
    plan.refusal = fmt::format("{} cannot be encoded again", i.name());
    return;
  }
  plan.code = cache.add(bytes);
  if (reaches_beyond_its_operand(i)) plan.bit_offset = general_register(i.operands[1].reg.value);
  note_vectors(plan);
}

void note_memory_operand(Plan& plan) {
  const auto operands = plan.instruction.all();
  const auto found = std::ranges::find_if(operands, is_memory_access);
  if (found == operands.end()) return;
  plan.memory = &*found;
  plan.size = size_in_bytes(*found);
  plan.reads = reads(*found);
  plan.writes = writes(*found);
}

}  // namespace

std::uint64_t Plan::address(const TrapFrame& frame) const {
  std::uint64_t address = address_of(*memory, instruction, frame);
  if (bit_offset) {
    const ZydisDecodedOperand& offset = instruction.operands[1];
    const unsigned unused_bits = 64u - offset.size;
    const auto bit = static_cast<std::int64_t>(read_register(frame, offset.reg.value) << unused_bits) >> unused_bits;
    address += static_cast<std::uint64_t>(bit >> (size == 8 ? 6 : size == 4 ? 5 : 4)) * size;
  }
  return address;
}

void make_plan(const Instruction& instruction, CodeCache& cache, Plan& plan) {
  plan.instruction = instruction;
  plan.kind = kind_of(plan.instruction);
  note_memory_operand(plan);
  const bool is_string = plan.kind == PlanKind::string || plan.instruction.decoded.meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
  if (is_string) plan.refusal = reason_to_refuse_string(plan.instruction);
  if (plan.kind == PlanKind::redirected) plan.refusal = reason_to_refuse(plan);
  if (!plan.refusal.empty())
    plan.kind = PlanKind::refused;
  else if (plan.kind == PlanKind::redirected)
    redirect(plan, cache);
}

}  // namespace drydock
