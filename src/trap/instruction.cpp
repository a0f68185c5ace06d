#include "trap/instruction.h"

#include "sched/driving_thread.h"

namespace drydock {
namespace {

ZydisDecoder make_decoder() {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  return decoder;
}

// In the order in which Zydis, like the processor, numbers the registers.
constexpr Gpr kByNumber[16] = {Gpr::rax, Gpr::rcx, Gpr::rdx, Gpr::rbx, Gpr::rsp, Gpr::rbp, Gpr::rsi, Gpr::rdi,
                               Gpr::r8,  Gpr::r9,  Gpr::r10, Gpr::r11, Gpr::r12, Gpr::r13, Gpr::r14, Gpr::r15};

bool is_high_byte(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH; }

std::uint64_t low_bits(unsigned bits) { return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1; }

unsigned width_of(ZydisRegister reg) { return ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg); }

/// An address register of either width; none counts as 0.
std::uint64_t address_register(const TrapFrame& frame, ZydisRegister reg) {
  return reg == ZYDIS_REGISTER_NONE ? 0 : read_register(frame, reg);
}

}  // namespace

std::string Instruction::name() const { return ZydisMnemonicGetString(decoded.mnemonic); }

std::optional<Instruction> decode(std::span<const std::uint8_t> bytes) {
  static const ZydisDecoder decoder = make_decoder();
  Instruction instruction;
  const ZyanStatus status =
      ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &instruction.decoded, instruction.operands.data());
  if (!ZYAN_SUCCESS(status)) return std::nullopt;
  return instruction;
}

bool is_memory_access(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.type != ZYDIS_MEMOP_TYPE_AGEN;
}

std::optional<Gpr> general_register(ZydisRegister reg) {
  const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return std::nullopt;
  return kByNumber[whole - ZYDIS_REGISTER_RAX];
}

ZydisRegister whole_register(Gpr reg) {
  for (int i = 0; i < 16; ++i)
    if (kByNumber[i] == reg) return static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + i);
  return ZYDIS_REGISTER_NONE;
}

std::uint64_t read_register(const TrapFrame& frame, ZydisRegister reg) {
  const std::optional<Gpr> whole = general_register(reg);
  if (!whole) return 0;
  const std::uint64_t value = frame[*whole];
  return is_high_byte(reg) ? (value >> 8) & 0xFF : value & low_bits(width_of(reg));
}

void write_register(TrapFrame& frame, ZydisRegister reg, std::uint64_t value) {
  const std::optional<Gpr> whole = general_register(reg);
  if (!whole) return;
  std::uint64_t& target = frame[*whole];
  const unsigned width = width_of(reg);
  if (is_high_byte(reg))
    target = (target & ~std::uint64_t{0xFF00}) | ((value & 0xFF) << 8);
  else if (width == 32)
    target = value & low_bits(32);
  else
    target = (target & ~low_bits(width)) | (value & low_bits(width));
}

std::uint64_t address_of(const ZydisDecodedOperand& operand, const Instruction& instruction, const TrapFrame& frame) {
  const ZydisDecodedOperandMem& mem = operand.mem;
  std::uint64_t address = mem.disp.has_displacement ? static_cast<std::uint64_t>(mem.disp.value) : 0;
  if (mem.base == ZYDIS_REGISTER_RIP || mem.base == ZYDIS_REGISTER_EIP)
    address += frame.rip() + instruction.length();
  else
    address += address_register(frame, mem.base) + address_register(frame, mem.index) * mem.scale;
  if (instruction.decoded.address_width == 32) address &= 0xFFFFFFFF;
  if (mem.segment == ZYDIS_REGISTER_GS) address += current_gs_base();
  return address;
}

}  // namespace drydock
