#include "trap/emulator.h"

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "abi/guarded_copy.h"
#include "trap/operand_memory.h"
#include "trap/plan.h"
#include "trap/run_instruction.h"
#include "trap/string_instruction.h"

namespace drydock {
namespace {

constexpr std::uint64_t kStatusFlags =
    kFlagCarry | kFlagParity | kFlagAdjust | kFlagZero | kFlagSign | kFlagOverflow | kFlagDirection;
constexpr std::uint32_t kMxcsrExceptions = 0x3F;    // sticky
constexpr std::uint32_t kMxcsrMasks = 0x1F80;       // the instruction runs with all of them set

/// The bytes at rip; fewer than 15 where the image ends.
struct FetchedBytes {
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> bytes;
  std::size_t length = 0;

  explicit FetchedBytes(std::uint64_t rip) {
    const auto* code = reinterpret_cast<const void*>(rip);
    const std::size_t to_page_end = 4096 - rip % 4096;
    length = bytes.size();
    if (guarded_copy(bytes.data(), code, length)) return;
    length = std::min(to_page_end, bytes.size());
    if (!guarded_copy(bytes.data(), code, length)) length = 0;
  }
};

Gpr in_context(const Plan& plan, Gpr reg) { return reg == Gpr::rsp ? *plan.stand_in : reg; }

RunContext context_for(const Plan& plan, const TrapFrame& frame, void* slot) {
  RunContext context;
  std::memcpy(context.gprs, frame.gregs, sizeof context.gprs);
  if (plan.stand_in) context[*plan.stand_in] = frame.rsp();
  if (plan.bit_offset) context[in_context(plan, *plan.bit_offset)] &= plan.size * 8 - 1;  // the address has the rest
  context[plan.scratch] = reinterpret_cast<std::uintptr_t>(slot);
  context.flags = (frame[Gpr::flags] & kStatusFlags) | 0x202;
  context.code = plan.code;
  if (!plan.uses_vectors) return context;
  context.mxcsr = frame.mxcsr() | kMxcsrMasks;
  for (unsigned i = 0; i < 16; ++i) context.xmm[i] = frame.xmm(i);
  return context;
}

void take_results(const Plan& plan, const RunContext& context, TrapFrame& frame) {
  for (std::size_t i = 0; i < 15; ++i) {
    const auto reg = static_cast<Gpr>(i);
    if (reg != plan.scratch && reg != plan.bit_offset && reg != plan.stand_in) frame.gregs[i] = context.gprs[i];
  }
  frame[Gpr::flags] = (frame[Gpr::flags] & ~kStatusFlags) | (context.flags & kStatusFlags);
  if (!plan.uses_vectors) return;
  const std::uint32_t raised = context.mxcsr & kMxcsrExceptions;
  if ((raised & ~frame.mxcsr()) != 0) frame.set_mxcsr(frame.mxcsr() | raised);
  for (unsigned i = 0; i < 16; ++i)
    if (plan.vectors_written >> i & 1) frame.set_xmm(i, context.xmm[i]);
}

// --- division -----------------------------------------------------------------------------------------------------------

using Wide = __int128;
using UnsignedWide = unsigned __int128;

/// What div and idiv divide: rdx:rax, edx:eax, dx:ax, or ax.
UnsignedWide dividend(const TrapFrame& frame, unsigned size) {
  const unsigned bits = size * 8;
  if (size == 1) return frame[Gpr::rax] & 0xFFFF;
  const UnsignedWide mask = (UnsignedWide{1} << bits) - 1;
  return (frame[Gpr::rax] & mask) | (frame[Gpr::rdx] & mask) << bits;
}

Wide sign_extended(UnsignedWide value, unsigned bits) {
  const unsigned unused = 128 - bits;
  return static_cast<Wide>(value << unused) >> unused;
}

bool has_quotient(const Plan& plan, const TrapFrame& frame, const void* slot) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, slot, plan.size);
  if (bytes == 0) return false;
  const unsigned bits = plan.size * 8;
  const UnsignedWide from = dividend(frame, plan.size);
  if (plan.instruction.is(ZYDIS_MNEMONIC_DIV)) return (from / bytes) >> bits == 0;
  const Wide numerator = sign_extended(from, 2 * bits), by = sign_extended(bytes, bits), limit = Wide{1} << (bits - 1);
  if (by == -1) return numerator > -limit && numerator <= limit;  // 128 bits may not hold the quotient
  const Wide quotient = numerator / by;
  return quotient >= -limit && quotient < limit;
}

enum class Ran : std::uint8_t { done, wild, no_quotient };
Ran done_if(bool done) { return done ? Ran::done : Ran::wild; }

Ran run_redirected(const Plan& plan, std::uint64_t address, TrapFrame& frame, OperandMemory& memory) {
  alignas(64) std::uint8_t slot[64] = {};
  if (plan.reads && !memory.read(address, slot, plan.size)) return Ran::wild;
  if (plan.divides && !has_quotient(plan, frame, slot)) return Ran::no_quotient;
  RunContext context = context_for(plan, frame, slot);
  plan.uses_vectors ? drydock_run_vector_instruction(&context) : drydock_run_instruction(&context);
  if (plan.writes && !memory.write(address, slot, plan.size)) return Ran::wild;
  take_results(plan, context, frame);
  frame[Gpr::rip] += plan.instruction.length();
  return Ran::done;
}

bool push(TrapFrame& frame, OperandMemory& memory, std::uint64_t value, unsigned size) {
  const std::uint64_t rsp = frame.rsp() - size;
  if (!memory.write(rsp, &value, size)) return false;
  frame[Gpr::rsp] = rsp;
  return true;
}

bool run_push(const Plan& plan, std::uint64_t address, TrapFrame& frame, OperandMemory& memory) {
  std::uint64_t value = 0;
  if (!memory.read(address, &value, plan.size) || !push(frame, memory, value, plan.size)) return false;
  frame[Gpr::rip] += plan.instruction.length();
  return true;
}

/// An operand that names rsp is computed with rsp after the pop.
bool run_pop(const Plan& plan, TrapFrame& frame, OperandMemory& memory) {
  std::uint64_t value = 0;
  if (!memory.read(frame.rsp(), &value, plan.size)) return false;
  frame[Gpr::rsp] += plan.size;
  if (!memory.write(plan.address(frame), &value, plan.size)) {
    frame[Gpr::rsp] -= plan.size;
    return false;
  }
  frame[Gpr::rip] += plan.instruction.length();
  return true;
}

bool run_jump(const Plan& plan, std::uint64_t address, TrapFrame& frame, OperandMemory& memory) {
  std::uint64_t target = 0;
  if (!memory.read(address, &target, plan.size)) return false;
  const std::uint64_t behind = frame.rip() + plan.instruction.length();
  if (plan.kind == PlanKind::call && !push(frame, memory, behind, sizeof behind)) return false;
  frame[Gpr::rip] = target;
  return true;
}

bool run_string(const Plan& plan, TrapFrame& frame, OperandMemory& memory) {
  if (!run_string_instruction(plan.instruction, frame, memory)) return false;
  frame[Gpr::rip] += plan.instruction.length();
  return true;
}

Ran run(const Plan& plan, std::uint64_t address, TrapFrame& frame, OperandMemory& memory) {
  switch (plan.kind) {
    case PlanKind::redirected: return run_redirected(plan, address, frame, memory);
    case PlanKind::string: return done_if(run_string(plan, frame, memory));
    case PlanKind::push: return done_if(run_push(plan, address, frame, memory));
    case PlanKind::pop: return done_if(run_pop(plan, frame, memory));
    case PlanKind::call:
    case PlanKind::jump: return done_if(run_jump(plan, address, frame, memory));
    default: frame[Gpr::rip] += plan.instruction.length(); return Ran::done;  // nothing to do
  }
}

}  // namespace

/// By rip for speed, by the instruction's bytes for truth: an image may be unloaded and another come to its place. Plans
/// are never thrown away, because a trap may be in the middle of using one.
struct Emulator::Cache {
  struct Recent {
    std::uint64_t rip = 0;
    const Plan* plan = nullptr;
    std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> bytes{};
  };
  static constexpr std::size_t kRecent = 1024;

  std::array<Recent, kRecent> recent;
  std::unordered_map<std::string, std::unique_ptr<Plan>> plans;
  CodeCache code;

  const Plan* find_or_make(const FetchedBytes& fetched) {
    const std::span<const std::uint8_t> bytes(fetched.bytes.data(), fetched.length);
    const std::optional<Instruction> decoded = decode(bytes);
    const std::size_t length = decoded ? decoded->length() : fetched.length;
    const std::string key(reinterpret_cast<const char*>(bytes.data()), length);
    if (const auto known = plans.find(key); known != plans.end()) return known->second.get();
    if (plans.size() >= kPlansMax) return nullptr;
    auto& plan = plans[key] = std::make_unique<Plan>();
    if (decoded) make_plan(*decoded, code, *plan);
    return plan.get();
  }
};

Emulator::Emulator() : cache_(std::make_unique<Cache>()) {}
Emulator::~Emulator() = default;

const Plan* Emulator::plan_at(std::uint64_t rip) {
  const FetchedBytes fetched(rip);
  auto& recent = cache_->recent[(rip ^ rip >> 10) % Cache::kRecent];
  if (recent.plan && recent.rip == rip && recent.bytes == fetched.bytes) return recent.plan;
  const Plan* plan = cache_->find_or_make(fetched);
  recent = {rip, plan, fetched.bytes};
  return plan;
}

Emulation Emulator::execute(const Plan& plan, TrapFrame& frame, TrapRegions& regions) {
  Emulation emulation;
  emulation.size = plan.size;
  emulation.write = plan.writes;
  if (plan.memory) emulation.address = plan.address(frame);
  if (plan.kind == PlanKind::refused || plan.kind == PlanKind::illegal || plan.kind == PlanKind::privileged) {
    emulation.result = Emulation::Result::refused;
    emulation.reason = plan.refusal;
    return emulation;
  }
  OperandMemory memory(regions);
  switch (run(plan, emulation.address, frame, memory)) {
    case Ran::done: break;
    case Ran::no_quotient: emulation.result = Emulation::Result::no_quotient; break;
    case Ran::wild:
      emulation.result = Emulation::Result::wild;
      emulation.address = memory.refused_at();
      emulation.write = memory.refused_a_write();
  }
  return emulation;
}

}  // namespace drydock
