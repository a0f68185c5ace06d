// The emulator against a plain interpreter: thousands of encodings on random registers, flags and memory. What the
// emulator reads as bytes, the interpreter is told as it was meant. Registers, defined flags and memory must be equal
// afterwards, and so must the accesses: a register of a device counts how often, how wide and in which order it is touched.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <set>

#include "base/seeded.h"
#include "trap/emulator.h"
#include "trap/plain_interpreter_for_tests.h"
#include "trap/plan.h"
#include "trap/trapped_memory_for_tests.h"

namespace drydock {
namespace {

constexpr std::size_t kMemory = 16384;
constexpr Gpr kInNumberOrder[16] = {Gpr::rax, Gpr::rcx, Gpr::rdx, Gpr::rbx, Gpr::rsp, Gpr::rbp, Gpr::rsi, Gpr::rdi,
                                    Gpr::r8,  Gpr::r9,  Gpr::r10, Gpr::r11, Gpr::r12, Gpr::r13, Gpr::r14, Gpr::r15};

/// All of memory is registers of a device that notes who touches it.
class Recorder final : public MemoryPort, public TrapRegions {
 public:
  explicit Recorder(plain::State& state) : state_(state) {}
  Region find(std::uint64_t address) override {
    if (address - state_.memory_base >= kMemory) return {};
    return {RegionKind::mmio, state_.memory_base, state_.memory_base + kMemory, this};
  }
  void read(std::uint64_t at, void* to, unsigned size) override {
    std::memcpy(to, &state_.memory[at - state_.memory_base], size);
    state_.accesses.push_back({at, size, false});
  }
  void write(std::uint64_t at, const void* from, unsigned size) override {
    std::memcpy(&state_.memory[at - state_.memory_base], from, size);
    state_.accesses.push_back({at, size, true});
  }

 private:
  plain::State& state_;
};

struct FreeFrame {
  void operator()(TrapFrame* frame) const { std::free(frame); }
};

class SecondOpinion : public ::testing::Test {
 protected:
  using Bytes = std::vector<std::uint8_t>;

  void expect_agreement(const char* form, ZydisMnemonic mnemonic, unsigned size, int rounds, unsigned other = 0);
  void expect_agreement_on(const plain::Instruction& meant, const Bytes& bytes, const plain::State& before);
  bool build(const char* form, ZydisMnemonic mnemonic, unsigned size, unsigned other, plain::Instruction& meant, Bytes& bytes);
  plain::Operand general(unsigned size, bool source_only);
  plain::Operand place(unsigned size);
  plain::State choose(const plain::Instruction& meant);
  Emulation::Result emulate(const Bytes& bytes, plain::State& state, std::uint64_t& advanced);

  Seeded random_{20261126};
  Emulator emulator_;
  std::set<Bytes> encodings_;
  std::uint64_t agreed_ = 0, divide_errors_ = 0;
};

plain::Operand SecondOpinion::general(unsigned size, bool source_only) {
  plain::Operand o{.size = size};
  if (size == 1 && random_.below(4) == 0) {
    o.kind = plain::Operand::Kind::high_byte;
    o.number = static_cast<int>(random_.below(4));
    return o;
  }
  do o.number = static_cast<int>(random_.below(16));
  while (o.number == plain::kRsp && !source_only);
  return o;
}

plain::Operand SecondOpinion::place(unsigned size) {
  plain::Operand o{.kind = plain::Operand::Kind::memory, .size = size};
  do o.base = static_cast<int>(random_.below(16));
  while (o.base == plain::kRsp);
  if (random_.below(2)) o.index = static_cast<int>(random_.below(16));
  if (o.index == plain::kRsp || o.index == o.base) o.index = plain::kNone;
  o.scale = 1u << random_.below(4);
  o.value = random_.below(3) == 0 ? 0 : static_cast<std::int64_t>(random_.below(600)) - 300;
  return o;
}

ZydisRegister zydis_register(const plain::Operand& o) {
  if (o.kind == plain::Operand::Kind::high_byte) return static_cast<ZydisRegister>(ZYDIS_REGISTER_AH + o.number);
  if (o.kind == plain::Operand::Kind::vector) return static_cast<ZydisRegister>(ZYDIS_REGISTER_XMM0 + o.number);
  switch (o.size) {
    case 1:  // al cl dl bl ah ch dh bh spl bpl …
      return static_cast<ZydisRegister>(o.number < 4 ? ZYDIS_REGISTER_AL + o.number : ZYDIS_REGISTER_SPL + (o.number - 4));
    case 2: return static_cast<ZydisRegister>(ZYDIS_REGISTER_AX + o.number);
    case 4: return static_cast<ZydisRegister>(ZYDIS_REGISTER_EAX + o.number);
    default: return static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + o.number);
  }
}

ZydisEncoderOperand for_encoder(const plain::Operand& o) {
  ZydisEncoderOperand e{};
  switch (o.kind) {
    case plain::Operand::Kind::memory:
      e.type = ZYDIS_OPERAND_TYPE_MEMORY;
      e.mem.base = static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + o.base);
      e.mem.index = o.index == plain::kNone ? ZYDIS_REGISTER_NONE : static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + o.index);
      e.mem.scale = o.index == plain::kNone ? ZyanU8{0} : static_cast<ZyanU8>(o.scale);
      e.mem.displacement = o.value;
      e.mem.size = static_cast<ZyanU16>(o.size);
      break;
    case plain::Operand::Kind::immediate:
      e.type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
      e.imm.s = o.value;
      break;
    default:
      e.type = ZYDIS_OPERAND_TYPE_REGISTER;
      e.reg.value = zydis_register(o);
  }
  return e;
}

/// m: memory, r: register that may be written, s: register only read, i: imm8, I: immediate of the operand's size, 1: one,
/// c: cl, x: vector register
bool SecondOpinion::build(const char* form, ZydisMnemonic mnemonic, unsigned size, unsigned other, plain::Instruction& meant,
                          Bytes& bytes) {
  meant = {.mnemonic = mnemonic};
  ZydisEncoderRequest request{};
  request.machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
  request.mnemonic = mnemonic;
  request.allowed_encodings = static_cast<ZydisEncodableEncoding>(ZYDIS_ENCODABLE_ENCODING_LEGACY | ZYDIS_ENCODABLE_ENCODING_VEX);
  for (const char* c = form; *c; ++c) {
    plain::Operand o;
    switch (*c) {
      case 'm': o = place(size); break;
      case 'r': o = general(other ? other : size, false); break;
      case 's': o = general(other ? other : size, true); break;
      case 'x': o = {.kind = plain::Operand::Kind::vector, .size = 16, .number = static_cast<int>(random_.below(16))}; break;
      case 'c': o = {.size = 1, .number = plain::kRcx}; break;
      default:
        o = {.kind = plain::Operand::Kind::immediate, .size = size, .value = 1};
        if (*c == 'i' || (*c == 'I' && size == 1)) o.value = static_cast<std::int8_t>(random_.next());
        else if (*c == 'I') o.value = size == 2 ? static_cast<std::int16_t>(random_.next()) : static_cast<std::int32_t>(random_.next());
    }
    meant.operands.push_back(o);
    request.operands[request.operand_count++] = for_encoder(o);
  }
  if (random_.below(8) == 0) request.prefixes = ZYDIS_ATTRIB_HAS_LOCK;
  bytes.resize(ZYDIS_MAX_INSTRUCTION_LENGTH);
  ZyanUSize length = bytes.size();
  bool done = ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&request, bytes.data(), &length));
  if (!done) {  // no lock with this one
    request.prefixes = 0;
    length = bytes.size();
    done = ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&request, bytes.data(), &length));
  }
  bytes.resize(done ? length : 0);
  return done;
}

std::uint64_t memory_base() { return 0x7000'0000'0000; }  // nobody's: only the port answers there

plain::State SecondOpinion::choose(const plain::Instruction& meant) {
  plain::State state;
  for (auto& r : state.r) r = random_.below(4) ? random_.next() : random_.below(300);
  state.flags = (random_.next() & (plain::kStatus | plain::kDirection)) | 0x202;
  for (auto& x : state.x)
    for (auto& byte : x) byte = static_cast<std::uint8_t>(random_.next());
  state.memory_base = memory_base();
  state.memory.resize(kMemory);
  const bool sparse = random_.below(2) != 0;
  for (auto& byte : state.memory) byte = static_cast<std::uint8_t>(sparse ? (random_.below(3) ? 0 : random_.below(3)) : random_.next());
  state.r[plain::kRsp] = memory_base() + 0x400 + 8 * random_.below(64);
  const plain::Operand *mem = nullptr, *offset = nullptr;
  for (const auto& o : meant.operands)
    if (o.kind == plain::Operand::Kind::memory) mem = &o;
  const bool bit_test = meant.mnemonic == ZYDIS_MNEMONIC_BT || meant.mnemonic == ZYDIS_MNEMONIC_BTS ||
                        meant.mnemonic == ZYDIS_MNEMONIC_BTR || meant.mnemonic == ZYDIS_MNEMONIC_BTC;
  if (bit_test && meant.operands[1].kind == plain::Operand::Kind::general) offset = &meant.operands[1];
  if (offset != nullptr) state.r[offset->number] = random_.below(16384) - 8192;
  if (mem == nullptr) return state;
  if (mem->index != plain::kNone) state.r[mem->index] = random_.below(16);
  const std::uint64_t inside = (mem->index == plain::kNone ? 0 : state.r[mem->index] * mem->scale) + static_cast<std::uint64_t>(mem->value);
  state.r[mem->base] = memory_base() + 0x2000 - inside;
  return state;
}

Emulation::Result SecondOpinion::emulate(const Bytes& bytes, plain::State& state, std::uint64_t& advanced) {
  static std::uint8_t code[64];
  std::memset(code, 0xCC, sizeof code);
  std::memcpy(code, bytes.data(), bytes.size());
  const std::size_t frame_size = trap_frame_size();
  std::unique_ptr<TrapFrame, FreeFrame> frame(static_cast<TrapFrame*>(std::aligned_alloc(64, frame_size)));
  std::memset(static_cast<void*>(frame.get()), 0, frame_size);
  for (int n = 0; n < 16; ++n) (*frame)[kInNumberOrder[n]] = state.r[n];
  for (unsigned n = 0; n < 16; ++n) {
    Xmm value;
    std::memcpy(&value, state.x[n], sizeof value);
    frame->set_xmm(n, value);
  }
  (*frame)[Gpr::flags] = state.flags;
  (*frame)[Gpr::rip] = reinterpret_cast<std::uintptr_t>(code);
  Recorder memory(state);
  const Plan* plan = emulator_.plan_at(frame->rip());
  const Emulation done = emulator_.execute(*plan, *frame, memory);
  EXPECT_NE(done.result, Emulation::Result::refused) << done.reason;
  for (int n = 0; n < 16; ++n) state.r[n] = (*frame)[kInNumberOrder[n]];
  for (unsigned n = 0; n < 16; ++n) {
    const Xmm value = frame->xmm(n);
    std::memcpy(state.x[n], &value, sizeof value);
  }
  state.flags = (*frame)[Gpr::flags];
  advanced = frame->rip() - reinterpret_cast<std::uintptr_t>(code);
  return done.result;
}

std::string shown(const plain::Instruction& meant, const std::vector<std::uint8_t>& bytes) {
  std::string text = std::string(ZydisMnemonicGetString(meant.mnemonic)) + ":";
  for (const auto byte : bytes) text += fmt::format(" {:02x}", byte);
  return text;
}

void SecondOpinion::expect_agreement_on(const plain::Instruction& meant, const Bytes& bytes, const plain::State& before) {
  plain::State expected = before, got = before;
  plain::Interpreter interpreter(meant, expected);
  const plain::Outcome outcome = interpreter.run();
  std::uint64_t advanced = 0;
  const Emulation::Result result = emulate(bytes, got, advanced);
  const std::string name = shown(meant, bytes);
  ASSERT_NE(outcome, plain::Outcome::unknown) << name;
  ASSERT_EQ(outcome == plain::Outcome::divide_error, result == Emulation::Result::no_quotient) << name;
  encodings_.insert(bytes);
  if (outcome == plain::Outcome::divide_error) {
    ++divide_errors_;
    ASSERT_EQ(advanced, 0u) << name;
    ASSERT_EQ(std::memcmp(got.r, before.r, sizeof got.r), 0) << name;
    return;
  }
  ASSERT_EQ(advanced, bytes.size()) << name;
  ASSERT_EQ(got.accesses, expected.accesses) << name;
  const std::uint64_t defined = (plain::kStatus | plain::kDirection) & ~expected.undefined;
  ASSERT_EQ(got.flags & defined, expected.flags & defined) << name << std::hex << " from " << before.flags;
  ++agreed_;
  if (interpreter.undefined_result_) return;
  for (int n = 0; n < 16; ++n) ASSERT_EQ(got.r[n], expected.r[n]) << name << " register " << n;
  ASSERT_EQ(std::memcmp(got.x, expected.x, sizeof got.x), 0) << name;
  ASSERT_TRUE(got.memory == expected.memory) << name;
}

void SecondOpinion::expect_agreement(const char* form, ZydisMnemonic mnemonic, unsigned size, int rounds, unsigned other) {
  int done = 0;
  for (int attempt = 0; attempt < 30 * rounds && done < rounds; ++attempt) {
    plain::Instruction meant;
    Bytes bytes;
    if (!build(form, mnemonic, size, other, meant, bytes)) continue;
    const plain::Operand& first = meant.operands[0];
    const plain::Operand* second = meant.operands.size() > 1 ? &meant.operands[1] : nullptr;
    // A bit offset that is part of the address would lead anywhere.
    if (second && second->kind == plain::Operand::Kind::general && first.kind == plain::Operand::Kind::memory &&
        (second->number == first.base || second->number == first.index) && ZydisMnemonicGetString(mnemonic)[0] == 'b')
      continue;
    ++done;
    ASSERT_NO_FATAL_FAILURE(expect_agreement_on(meant, bytes, choose(meant)));
  }
  ASSERT_EQ(done, rounds) << ZydisMnemonicGetString(mnemonic) << " " << form << " " << size << " could not be encoded often enough";
}

#define M(name) ZYDIS_MNEMONIC_##name
constexpr int kRounds = 40;

TEST_F(SecondOpinion, on_moves_and_arithmetic) {
  for (const unsigned size : {1u, 2u, 4u, 8u}) {
    for (const ZydisMnemonic op : {M(MOV), M(ADD), M(OR), M(ADC), M(SBB), M(AND), M(SUB), M(XOR), M(CMP)})
      for (const char* form : {"ms", "rm", "mi", "mI"}) expect_agreement(form, op, size, kRounds);
    for (const char* form : {"ms", "mI"}) expect_agreement(form, M(TEST), size, kRounds);
    for (const ZydisMnemonic op : {M(INC), M(DEC), M(NOT), M(NEG), M(MUL), M(IMUL), M(DIV), M(IDIV)}) expect_agreement("m", op, size, kRounds);
    for (const ZydisMnemonic op : {M(XCHG), M(XADD)}) expect_agreement("mr", op, size, kRounds);
    expect_agreement("ms", M(CMPXCHG), size, kRounds);
  }
  for (const unsigned size : {2u, 4u, 8u}) {
    expect_agreement("rm", M(IMUL), size, kRounds);
    expect_agreement("rmi", M(IMUL), size, kRounds);
    expect_agreement("rm", M(MOVBE), size, kRounds);
    expect_agreement("ms", M(MOVBE), size, kRounds);
  }
  for (const unsigned size : {4u, 8u}) expect_agreement("ms", M(MOVNTI), size, kRounds);
  for (const ZydisMnemonic op : {M(MOVZX), M(MOVSX)})
    for (const unsigned to : {2u, 4u, 8u})
      for (const unsigned from : {1u, 2u})
        if (from < to) expect_agreement("rm", op, from, kRounds, to);
  expect_agreement("rm", M(MOVSXD), 4, kRounds, 8);
  expect_agreement("m", M(CMPXCHG8B), 8, kRounds);
  expect_agreement("m", M(CMPXCHG16B), 16, kRounds);
  EXPECT_GT(divide_errors_, 20u);
  EXPECT_GT(agreed_, 8000u);
  EXPECT_GT(encodings_.size(), 7000u);
}

/// The chance that two random numbers are equal is not worth waiting for.
TEST_F(SecondOpinion, on_exchanges_that_succeed) {
  for (const unsigned size : {1u, 2u, 4u, 8u, 16u})
    for (int round = 0; round < 3 * kRounds; ++round) {
      plain::Instruction meant;
      Bytes bytes;
      const ZydisMnemonic op = size == 16 ? M(CMPXCHG16B) : M(CMPXCHG);
      if (!build(size == 16 ? "m" : "ms", op, size, 0, meant, bytes)) continue;
      plain::State before = choose(meant);
      if (meant.operands[0].base == plain::kRax || meant.operands[0].index == plain::kRax) continue;
      if (size == 16 && (meant.operands[0].base == plain::kRdx || meant.operands[0].index == plain::kRdx)) continue;
      std::memcpy(&before.memory[0x2000], &before.r[plain::kRax], 8);
      std::memcpy(&before.memory[0x2008], &before.r[plain::kRdx], 8);
      ASSERT_NO_FATAL_FAILURE(expect_agreement_on(meant, bytes, before));
    }
  EXPECT_GT(agreed_, 400u);
}

TEST_F(SecondOpinion, on_shifts_and_conditions) {
  for (const unsigned size : {1u, 2u, 4u, 8u})
    for (const ZydisMnemonic op : {M(ROL), M(ROR), M(RCL), M(RCR), M(SHL), M(SHR), M(SAR)})
      for (const char* form : {"m1", "mc", "mi"}) expect_agreement(form, op, size, kRounds);
  for (const unsigned size : {2u, 4u, 8u})
    for (const ZydisMnemonic op : {M(SHLD), M(SHRD)})
      for (const char* form : {"msi", "msc"}) expect_agreement(form, op, size, kRounds);
  for (const ZydisMnemonic op : {M(SETB), M(SETBE), M(SETL), M(SETLE), M(SETNB), M(SETNBE), M(SETNL), M(SETNLE), M(SETNO), M(SETNP),
                                 M(SETNS), M(SETNZ), M(SETO), M(SETP), M(SETS), M(SETZ)})
    expect_agreement("m", op, 1, kRounds);
  for (const ZydisMnemonic op : {M(CMOVB), M(CMOVBE), M(CMOVL), M(CMOVLE), M(CMOVNB), M(CMOVNBE), M(CMOVNL), M(CMOVNLE), M(CMOVNO),
                                 M(CMOVNP), M(CMOVNS), M(CMOVNZ), M(CMOVO), M(CMOVP), M(CMOVS), M(CMOVZ)})
    for (const unsigned size : {2u, 4u, 8u}) expect_agreement("rm", op, size, kRounds);
  EXPECT_GT(agreed_, 5000u);
}

TEST_F(SecondOpinion, on_bits_also_of_those_far_beyond_the_operand) {
  for (const unsigned size : {2u, 4u, 8u}) {
    for (const ZydisMnemonic op : {M(BT), M(BTS), M(BTR), M(BTC)})
      for (const char* form : {"mi", "ms"}) expect_agreement(form, op, size, 2 * kRounds);
    for (const ZydisMnemonic op : {M(BSF), M(BSR), M(POPCNT)}) expect_agreement("rm", op, size, kRounds);
  }
  EXPECT_GT(agreed_, 1500u);
}

TEST_F(SecondOpinion, on_general_instructions_that_are_encoded_like_avx) {
  if (!__builtin_cpu_supports("bmi2")) GTEST_SKIP() << "not on this processor";
  for (const unsigned size : {4u, 8u}) {
    expect_agreement("rsm", M(ANDN), size, kRounds);
    expect_agreement("rmi", M(RORX), size, kRounds);
    for (const ZydisMnemonic op : {M(SHLX), M(SHRX), M(SARX)}) expect_agreement("rms", op, size, kRounds);
    expect_agreement("rrm", M(MULX), size, kRounds);
  }
}

TEST_F(SecondOpinion, on_vectors) {
  for (const ZydisMnemonic op : {M(MOVAPS), M(MOVUPS), M(MOVAPD), M(MOVUPD), M(MOVDQA), M(MOVDQU)})
    for (const char* form : {"xm", "mx"}) expect_agreement(form, op, 16, kRounds);
  for (const ZydisMnemonic op : {M(MOVNTPS), M(MOVNTDQ)}) expect_agreement("mx", op, 16, kRounds);
  for (const ZydisMnemonic op : {M(MOVQ), M(MOVSD), M(MOVLPS), M(MOVHPS), M(MOVLPD), M(MOVHPD)})
    for (const char* form : {"xm", "mx"}) expect_agreement(form, op, 8, kRounds);
  for (const ZydisMnemonic op : {M(MOVD), M(MOVSS)})
    for (const char* form : {"xm", "mx"}) expect_agreement(form, op, 4, kRounds);
  for (const ZydisMnemonic op : {M(LDDQU), M(PXOR), M(XORPS), M(POR), M(PAND), M(PANDN), M(PADDB), M(PCMPEQB)})
    expect_agreement("xm", op, 16, kRounds);
}

TEST_F(SecondOpinion, on_push_and_pop) {
  expect_agreement("m", M(PUSH), 8, kRounds);
  expect_agreement("m", M(POP), 8, kRounds);
}

TEST_F(SecondOpinion, on_strings_with_every_prefix_in_both_directions) {
  const struct { int opcode; const char* name; ZydisMnemonic by_size[4]; } kStrings[] = {
      {0xA4, "movs", {M(MOVSB), M(MOVSW), M(MOVSD), M(MOVSQ)}}, {0xA6, "cmps", {M(CMPSB), M(CMPSW), M(CMPSD), M(CMPSQ)}},
      {0xAA, "stos", {M(STOSB), M(STOSW), M(STOSD), M(STOSQ)}}, {0xAC, "lods", {M(LODSB), M(LODSW), M(LODSD), M(LODSQ)}},
      {0xAE, "scas", {M(SCASB), M(SCASW), M(SCASD), M(SCASQ)}}};
  for (const auto& kind : kStrings)
    for (unsigned width = 0; width < 4; ++width)
      for (const int prefix : {0, 0xF3, 0xF2})
        for (int round = 0; round < kRounds; ++round) {
          const bool compares = kind.opcode == 0xA6 || kind.opcode == 0xAE;
          if (prefix == 0xF2 && !compares) continue;
          Bytes bytes;
          if (width == 1) bytes.push_back(0x66);
          if (prefix) bytes.push_back(static_cast<std::uint8_t>(prefix));
          if (width == 3) bytes.push_back(0x48);
          bytes.push_back(static_cast<std::uint8_t>(kind.opcode + (width ? 1 : 0)));
          plain::Instruction meant{.mnemonic = kind.by_size[width], .operands = {}, .repeated = prefix == 0xF3,
                                   .until_equal = prefix == 0xF2, .element = 1u << width};
          plain::State before = choose(meant);
          before.r[plain::kRcx] = random_.below(20);
          before.r[plain::kRsi] = memory_base() + 0x1000 + random_.below(64);
          before.r[plain::kRdi] = memory_base() + (round % 4 ? 0x2000 : 0x1003) + random_.below(64);  // overlapping, too
          ASSERT_NO_FATAL_FAILURE(expect_agreement_on(meant, bytes, before));
        }
  EXPECT_GT(agreed_, 1500u);
}

}  // namespace
}  // namespace drydock
