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

RunContext context_for(const Plan& plan, const TrapFrame& frame, void* slot) {
  RunContext context;
  std::memcpy(context.gprs, frame.gregs, sizeof context.gprs);
  context[plan.scratch] = reinterpret_cast<std::uintptr_t>(slot);
  if (plan.bit_offset) context[*plan.bit_offset] &= plan.size * 8 - 1;  // the address has the rest
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
    if (reg != plan.scratch && reg != plan.bit_offset) frame.gregs[i] = context.gprs[i];
  }
  frame[Gpr::flags] = (frame[Gpr::flags] & ~kStatusFlags) | (context.flags & kStatusFlags);
  if (!plan.uses_vectors) return;
  const std::uint32_t raised = context.mxcsr & kMxcsrExceptions;
  if ((raised & ~frame.mxcsr()) != 0) frame.set_mxcsr(frame.mxcsr() | raised);
  for (unsigned i = 0; i < 16; ++i)
    if (plan.vectors_written >> i & 1) frame.set_xmm(i, context.xmm[i]);
}

bool run_redirected(const Plan& plan, std::uint64_t address, TrapFrame& frame, OperandMemory& memory) {
  alignas(64) std::uint8_t slot[64] = {};
  if (plan.reads && !memory.read(address, slot, plan.size)) return false;
  RunContext context = context_for(plan, frame, slot);
  plan.uses_vectors ? drydock_run_vector_instruction(&context) : drydock_run_instruction(&context);
  if (plan.writes && !memory.write(address, slot, plan.size)) return false;
  take_results(plan, context, frame);
  frame[Gpr::rip] += plan.instruction.length();
  return true;
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

bool run(const Plan& plan, std::uint64_t address, TrapFrame& frame, OperandMemory& memory) {
  switch (plan.kind) {
    case PlanKind::redirected: return run_redirected(plan, address, frame, memory);
    case PlanKind::string: return run_string(plan, frame, memory);
    case PlanKind::push: return run_push(plan, address, frame, memory);
    case PlanKind::pop: return run_pop(plan, frame, memory);
    case PlanKind::call:
    case PlanKind::jump: return run_jump(plan, address, frame, memory);
    default: frame[Gpr::rip] += plan.instruction.length(); return true;  // nothing to do
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
  if (!run(plan, emulation.address, frame, memory)) {
    emulation.result = Emulation::Result::wild;
    emulation.address = memory.refused_at();
  }
  return emulation;
}

}  // namespace drydock
