// The emulator against the processor: every instruction form is run natively on plain memory and emulated on the same
// memory while it traps, from the same registers. Everything must be equal afterwards, undefined flags included.

#include "trap/emulator.h"

#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <set>

#include "abi/register_bank_for_tests.h"
#include "trap/instruction.h"
#include "trap/trapped_memory_for_tests.h"

namespace drydock {
namespace {

constexpr Gpr kBases[] = {Gpr::rax, Gpr::rcx, Gpr::rdx, Gpr::rbx, Gpr::rbp, Gpr::rsi, Gpr::rdi, Gpr::r8,
                          Gpr::r9,  Gpr::r10, Gpr::r11, Gpr::r12, Gpr::r13, Gpr::r14, Gpr::r15};
constexpr std::uint64_t kMiddle = 2 * 4096 + 0x40;

/// m: memory, r: register, i: 8-bit immediate, I: immediate of the operand's size (at most 32 bits), 1, c: cl,
/// x: xmm register, d: 32-bit register, q: 64-bit register, b: bit offset in a register
struct Form {
  ZydisMnemonic mnemonic;
  const char* operands;
  std::vector<int> sizes;     // of m in bytes
  int other = 0;              // size of r when it differs
};

class Differential : public ::testing::Test {
 protected:
  struct Run {
    RegisterBank registers;
    std::vector<std::uint8_t> memory;
  };

  bool encode(const Form& form, int size, std::vector<std::uint8_t>& bytes);
  void choose_addressing();
  RegisterBank choose_registers();
  Run run(const RegisterBank& in, const void* code, bool trapping, const std::vector<std::uint8_t>& memory);
  void compare(const Form& form, int size, int rounds);
  ZydisRegister any_register(int size);

  TrapWorld world_;
  Seeded random_{4711};
  Gpr base_ = Gpr::rbx;
  std::optional<Gpr> index_;
  std::optional<Gpr> bit_register_;
  unsigned scale_ = 1;
  std::int64_t displacement_ = 0;
  std::set<std::string> tested_;
};

ZydisRegister Differential::any_register(int size) {
  if (size == 1 && random_.below(4) == 0) return static_cast<ZydisRegister>(ZYDIS_REGISTER_AH + random_.below(4));
  for (;;) {
    const Gpr whole = kBases[random_.below(std::size(kBases))];
    const ZydisRegister wide = whole_register(whole);
    const auto number = static_cast<ZyanU8>(wide - ZYDIS_REGISTER_RAX);
    const ZydisRegisterClass c = size == 1   ? ZYDIS_REGCLASS_GPR8
                                 : size == 2 ? ZYDIS_REGCLASS_GPR16
                                 : size == 4 ? ZYDIS_REGCLASS_GPR32
                                             : ZYDIS_REGCLASS_GPR64;
    // In Zydis the 8-bit registers number al, cl, dl, bl, ah..bh, spl.. so whole numbers from 4 on are shifted.
    return ZydisRegisterEncode(c, size == 1 && number >= 4 ? static_cast<ZyanU8>(number + 4) : number);
  }
}

void Differential::choose_addressing() {
  base_ = kBases[random_.below(std::size(kBases))];
  index_.reset();
  bit_register_.reset();
  scale_ = 1u << random_.below(4);
  if (random_.below(2)) index_ = kBases[random_.below(std::size(kBases))];
  if (index_ == base_) index_.reset();
  displacement_ = random_.below(3) == 0 ? 0 : static_cast<std::int64_t>(random_.below(600)) - 300;
}

bool Differential::encode(const Form& form, int size, std::vector<std::uint8_t>& bytes) {
  choose_addressing();
  ZydisEncoderRequest request{};
  request.machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
  request.mnemonic = form.mnemonic;
  request.allowed_encodings = static_cast<ZydisEncodableEncoding>(ZYDIS_ENCODABLE_ENCODING_LEGACY | ZYDIS_ENCODABLE_ENCODING_VEX);
  for (const char* c = form.operands; *c; ++c) {
    ZydisEncoderOperand& operand = request.operands[request.operand_count++];
    operand.type = ZYDIS_OPERAND_TYPE_REGISTER;
    switch (*c) {
      case 'm':
        operand.type = ZYDIS_OPERAND_TYPE_MEMORY;
        operand.mem.base = whole_register(base_);
        operand.mem.index = index_ ? whole_register(*index_) : ZYDIS_REGISTER_NONE;
        operand.mem.scale = index_ ? static_cast<ZyanU8>(scale_) : 0;
        operand.mem.displacement = displacement_;
        operand.mem.size = static_cast<ZyanU16>(size);
        break;
      case 'r': operand.reg.value = any_register(form.other ? form.other : size); break;
      case 'd': operand.reg.value = any_register(4); break;
      case 'q': operand.reg.value = any_register(8); break;
      case 'x': operand.reg.value = static_cast<ZydisRegister>(ZYDIS_REGISTER_XMM0 + random_.below(16)); break;
      case 'c': operand.reg.value = ZYDIS_REGISTER_CL; break;
      case 'b':
        operand.reg.value = any_register(size);
        bit_register_ = general_register(operand.reg.value);
        if (bit_register_ == base_ || bit_register_ == index_) return false;
        break;
      case '1':
        operand.type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        operand.imm.u = 1;
        break;
      default:
        operand.type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        operand.imm.s = *c == 'i' || size == 1 ? static_cast<std::int8_t>(random_.next())
                        : size == 2            ? static_cast<std::int16_t>(random_.next())
                                               : static_cast<std::int32_t>(random_.next());
        break;
    }
  }
  bytes.resize(ZYDIS_MAX_INSTRUCTION_LENGTH);
  ZyanUSize length = bytes.size();
  if (!ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&request, bytes.data(), &length))) return false;
  bytes.resize(length);
  return true;
}

RegisterBank Differential::choose_registers() {
  RegisterBank in = random_registers(random_);
  if (bit_register_) in[*bit_register_] = random_.below(16384) - 8192;
  if (index_) in[*index_] = random_.below(16);
  const std::uint64_t offset = (index_ ? in[*index_] * scale_ : 0) + static_cast<std::uint64_t>(displacement_);
  in[base_] = world_.memory.address() + kMiddle - offset;
  return in;
}

Differential::Run Differential::run(const RegisterBank& in, const void* code, bool trapping, const std::vector<std::uint8_t>& memory) {
  std::memcpy(world_.memory.alias(), memory.data(), memory.size());
  world_.memory.set_trapping(trapping);
  Run result{};
  run_on(world_.machine, world_.fiber, [&] {
    const auto entered = enter_driver(world_.fiber, EntryKind::routine, &drydock_run_with_registers, &in, &result.registers, code);
    EXPECT_FALSE(entered.aborted) << world_.outcome.reason;
  });
  result.memory.assign(world_.memory.alias(), world_.memory.alias() + TrappedMemory::kSize);
  return result;
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x} ", byte);
  return text;
}

void Differential::compare(const Form& form, int size, int rounds) {
  const std::string name = fmt::format("{} {} {}", ZydisMnemonicGetString(form.mnemonic), form.operands, size);
  int done = 0;
  for (int attempt = 0; attempt < 20 * rounds && done < rounds; ++attempt) {
    std::vector<std::uint8_t> bytes;
    if (!encode(form, size, bytes)) continue;
    ++done;
    CodeForTests code;
    std::vector<std::uint8_t> with_ret = bytes;
    with_ret.push_back(0xC3);
    const void* at = code.add_bytes(with_ret);
    code.load_into(world_.machine);
    const RegisterBank in = choose_registers();
    std::vector<std::uint8_t> memory(TrappedMemory::kSize);
    for (auto& byte : memory) byte = static_cast<std::uint8_t>(random_.next());
    const Run native = run(in, at, false, memory);
    const int traps = world_.traps;
    const Run emulated = run(in, at, true, memory);
    world_.machine.images.remove(code.begin());
    ASSERT_EQ(world_.traps, traps + 1) << name << ": " << hex(bytes);
    ASSERT_EQ(native.memory, emulated.memory) << name << ": " << hex(bytes);
    for (std::size_t i = 0; i < 15; ++i) ASSERT_EQ(native.registers.gprs[i], emulated.registers.gprs[i]) << name << " register " << i << ": " << hex(bytes);
    ASSERT_EQ(native.registers.flags, emulated.registers.flags) << name << ": " << hex(bytes);
    ASSERT_EQ(native.registers.mxcsr, emulated.registers.mxcsr) << name << ": " << hex(bytes);
    ASSERT_EQ(native.registers, emulated.registers) << name << ": " << hex(bytes);
  }
  ASSERT_EQ(done, rounds) << name << " could not be encoded often enough";
  tested_.insert(name);
}

#define M(name) ZYDIS_MNEMONIC_##name
const std::vector<int> kAll = {1, 2, 4, 8}, kNoBytes = {2, 4, 8};

TEST_F(Differential, moves_and_arithmetic) {
  for (const ZydisMnemonic op : {M(MOV), M(ADD), M(OR), M(ADC), M(SBB), M(AND), M(SUB), M(XOR), M(CMP)}) {
    for (const char* operands : {"mr", "rm", "mi", "mI"})
      for (const int size : kAll) compare({op, operands, {}}, size, 12);
  }
  for (const int size : kAll) {
    compare({M(TEST), "mr", {}}, size, 12);
    compare({M(TEST), "mI", {}}, size, 12);
    for (const ZydisMnemonic op : {M(INC), M(DEC), M(NOT), M(NEG), M(MUL), M(IMUL)}) compare({op, "m", {}}, size, 12);
    for (const ZydisMnemonic op : {M(XCHG), M(XADD), M(CMPXCHG)}) compare({op, "mr", {}}, size, 12);
    for (const ZydisMnemonic op : {M(ROL), M(ROR), M(RCL), M(RCR), M(SHL), M(SHR), M(SAR)})
      for (const char* operands : {"m1", "mc", "mi"}) compare({op, operands, {}}, size, 6);
  }
  for (const int size : kNoBytes) {
    compare({M(IMUL), "rm", {}}, size, 12);
    compare({M(IMUL), "rmi", {}}, size, 12);
    compare({M(SHLD), "mri", {}}, size, 12);
    compare({M(SHRD), "mrc", {}}, size, 12);
    for (const ZydisMnemonic op : {M(BSF), M(BSR), M(POPCNT)}) compare({op, "rm", {}}, size, 6);
    compare({M(MOVBE), "rm", {}}, size, 6);
    compare({M(MOVBE), "mr", {}}, size, 6);
  }
  compare({M(MOVNTI), "mr", {}}, 4, 6);
  compare({M(MOVNTI), "mr", {}}, 8, 6);
  compare({M(CMPXCHG8B), "m", {}}, 8, 12);
  compare({M(CMPXCHG16B), "m", {}}, 16, 12);
  compare({M(MOVSXD), "qm", {}}, 4, 12);
  for (const ZydisMnemonic op : {M(MOVZX), M(MOVSX)}) {
    compare({op, "rm", {}, 2}, 1, 12);
    for (const int from : {1, 2})
      for (const int to : {4, 8}) compare({op, "rm", {}, to}, from, 12);
  }
  EXPECT_GE(tested_.size(), 250u);
}

TEST_F(Differential, instructions_of_general_registers_that_are_encoded_like_avx) {
  if (!__builtin_cpu_supports("bmi2")) GTEST_SKIP() << "not on this processor";
  for (const int size : {4, 8}) {
    for (const ZydisMnemonic op : {M(ANDN), M(PDEP), M(PEXT), M(MULX)}) compare({op, "rrm", {}}, size, 8);
    for (const ZydisMnemonic op : {M(BEXTR), M(SHLX), M(SHRX), M(SARX), M(BZHI)}) compare({op, "rmr", {}}, size, 8);
    for (const ZydisMnemonic op : {M(BLSI), M(BLSR), M(BLSMSK)}) compare({op, "rm", {}}, size, 8);
    compare({M(RORX), "rmi", {}}, size, 8);
  }
}

TEST_F(Differential, conditions) {
  for (const ZydisMnemonic op : {M(SETB), M(SETBE), M(SETL), M(SETLE), M(SETNB), M(SETNBE), M(SETNL), M(SETNLE), M(SETNO), M(SETNP),
                                 M(SETNS), M(SETNZ), M(SETO), M(SETP), M(SETS), M(SETZ)})
    compare({op, "m", {}}, 1, 6);
  for (const ZydisMnemonic op : {M(CMOVB), M(CMOVBE), M(CMOVL), M(CMOVLE), M(CMOVNB), M(CMOVNBE), M(CMOVNL), M(CMOVNLE), M(CMOVNO),
                                 M(CMOVNP), M(CMOVNS), M(CMOVNZ), M(CMOVO), M(CMOVP), M(CMOVS), M(CMOVZ)})
    for (const int size : kNoBytes) compare({op, "rm", {}}, size, 6);
}

TEST_F(Differential, bit_tests_also_of_bits_far_beyond_the_operand) {
  for (const ZydisMnemonic op : {M(BT), M(BTS), M(BTR), M(BTC)})
    for (const int size : kNoBytes) {
      compare({op, "mi", {}}, size, 12);
      compare({op, "mb", {}}, size, 30);
    }
}

TEST_F(Differential, sse_moves_and_arithmetic) {
  for (const ZydisMnemonic op : {M(MOVAPS), M(MOVUPS), M(MOVAPD), M(MOVUPD), M(MOVDQA), M(MOVDQU)}) {
    compare({op, "xm", {}}, 16, 8);
    compare({op, "mx", {}}, 16, 8);
  }
  for (const ZydisMnemonic op : {M(MOVNTPS), M(MOVNTPD), M(MOVNTDQ)}) compare({op, "mx", {}}, 16, 6);
  for (const ZydisMnemonic op : {M(MOVQ), M(MOVSD), M(MOVLPS), M(MOVHPS), M(MOVLPD), M(MOVHPD)}) {
    compare({op, "xm", {}}, 8, 8);
    compare({op, "mx", {}}, 8, 8);
  }
  for (const ZydisMnemonic op : {M(MOVD), M(MOVSS)}) {
    compare({op, "xm", {}}, 4, 8);
    compare({op, "mx", {}}, 4, 8);
  }
  for (const ZydisMnemonic op : {M(PXOR), M(POR), M(PADDD), M(PSUBB), M(PCMPEQB), M(PSHUFB), M(PMULLW), M(ADDPS), M(MULPS), M(DIVPD),
                                 M(SQRTPS), M(MINPS), M(XORPS), M(UNPCKLPS), M(CVTDQ2PS), M(CVTPS2DQ)})
    compare({op, "xm", {}}, 16, 8);
  for (const ZydisMnemonic op : {M(ADDSD), M(MULSD), M(CVTSD2SS), M(UCOMISD), M(SQRTSD)}) compare({op, "xm", {}}, 8, 8);
  for (const ZydisMnemonic op : {M(ADDSS), M(DIVSS), M(CVTSS2SD), M(COMISS)}) compare({op, "xm", {}}, 4, 8);
  compare({M(CVTTSD2SI), "qm", {}}, 8, 8);
  compare({M(CVTTSS2SI), "dm", {}}, 4, 8);
  compare({M(PSHUFD), "xmi", {}}, 16, 8);
  compare({M(PINSRW), "xmi", {}}, 2, 8);
  compare({M(PEXTRD), "mxi", {}}, 4, 8);
}

/// Machine code with rsi and rdi given; memory at both places, each plain or trapping.
class StringInstructions : public ::testing::Test {
 protected:
  struct Result {
    RegisterBank registers;
    std::vector<std::uint8_t> trapped, plain;
  };
  Result run(const RegisterBank& in, const void* code, bool trapping, const std::vector<std::uint8_t>& content) {
    std::memcpy(world_.memory.alias(), content.data(), content.size());
    std::memcpy(plain_.data(), content.data(), plain_.size());
    world_.memory.set_trapping(trapping);
    Result result{};
    run_on(world_.machine, world_.fiber, [&] {
      const auto entered = enter_driver(world_.fiber, EntryKind::routine, &drydock_run_with_registers, &in, &result.registers, code);
      EXPECT_FALSE(entered.aborted) << world_.outcome.reason;
    });
    result.trapped.assign(world_.memory.alias(), world_.memory.alias() + TrappedMemory::kSize);
    result.plain.assign(plain_.data(), plain_.data() + plain_.size());
    return result;
  }

  TrapWorld world_;
  PagesForTests plain_{4, PROT_READ | PROT_WRITE};
  Seeded random_{31};
};

TEST_F(StringInstructions, all_of_them_in_both_directions_with_every_prefix_and_either_side_trapped) {
  std::vector<const void*> codes;
  for (const int op : {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF})
    for (const int prefix : {0x00, 0xF3, 0xF2})
      for (const int width : {0x00, 0x66, 0x48}) {
        const bool movs_stos_lods = op == 0xA4 || op == 0xA5 || (op >= 0xAA && op <= 0xAD);
        if (prefix == 0xF2 && movs_stos_lods) continue;
        std::vector<std::uint8_t> bytes;
        if (width == 0x66) bytes.push_back(0x66);
        if (prefix) bytes.push_back(static_cast<std::uint8_t>(prefix));
        if (width == 0x48) bytes.push_back(0x48);
        bytes.push_back(static_cast<std::uint8_t>(op));
        bytes.push_back(0xC3);
        codes.push_back(world_.code.add_bytes(bytes));
      }
  for (const void* code : codes) {
    for (int sides = 1; sides < 4; ++sides) {  // bit 0: rsi, bit 1: rdi in trapped memory
      for (int round = 0; round < 6; ++round) {
        RegisterBank in = random_registers(random_);
        std::vector<std::uint8_t> content(TrappedMemory::kSize, 0x5A);
        if (round % 2) for (auto& byte : content) byte = static_cast<std::uint8_t>(random_.below(3));
        in[Gpr::rcx] = random_.below(20);
        in[Gpr::rsi] = (sides & 1 ? world_.memory.address() : plain_.address()) + 0x2000 + random_.below(64);
        in[Gpr::rdi] = (sides & 2 ? world_.memory.address() : plain_.address()) + 0x1800 + random_.below(64);
        if (round == 4) in[Gpr::rdi] = in[Gpr::rsi] + 3;  // overlapping
        const Result native = run(in, code, false, content), emulated = run(in, code, true, content);
        ASSERT_EQ(native.registers, emulated.registers);
        ASSERT_EQ(native.trapped, emulated.trapped);
        ASSERT_EQ(native.plain, emulated.plain);
      }
    }
  }
}

TEST_F(StringInstructions, the_elements_before_a_wild_one_are_done_and_the_registers_say_so) {
  const void* rep_stosb = world_.code.add({0xF3, 0xAA, 0xC3});
  RegisterBank in{}, out{};
  in.flags = kFlagsAlwaysSet;
  in.mxcsr = 0x1F80;
  in.x87_control = 0x37F;
  in[Gpr::rcx] = 100;
  in[Gpr::rdi] = world_.memory.address() + TrappedMemory::kSize - 10;
  in[Gpr::rax] = 0x77;
  std::uint64_t rcx = 0, rdi = 0;
  world_.machine.on_trap = [&](TrapFrame& frame) {
    world_.outcome = world_.service.handle(frame);
    rcx = frame[Gpr::rcx];
    rdi = frame[Gpr::rdi];
    if (world_.outcome.verdict != TrapVerdict::emulated) abort_driver_call(world_.fiber, AbortReason::wild_access);
  };
  // What lies behind the trapped memory is nobody's.
  mmap(reinterpret_cast<void*>(world_.memory.address() + TrappedMemory::kSize), 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  world_.regions.regions.push_back({RegionKind::guard, world_.memory.address() + TrappedMemory::kSize,
                                    world_.memory.address() + TrappedMemory::kSize + 4096, nullptr});
  run_on(world_.machine, world_.fiber, [&] {
    EXPECT_TRUE(enter_driver(world_.fiber, EntryKind::routine, &drydock_run_with_registers, const_cast<const RegisterBank*>(&in), &out, rep_stosb).aborted);
  });
  EXPECT_EQ(world_.outcome.verdict, TrapVerdict::wild);
  EXPECT_EQ(world_.outcome.address, world_.memory.address() + TrappedMemory::kSize);
  EXPECT_EQ(rcx, 90u);
  EXPECT_EQ(rdi, world_.memory.address() + TrappedMemory::kSize);
  for (std::size_t i = 1; i <= 10; ++i) EXPECT_EQ(world_.memory.alias()[TrappedMemory::kSize - i], 0x77);
}

}  // namespace
}  // namespace drydock
