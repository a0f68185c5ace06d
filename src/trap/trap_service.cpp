#include "trap/trap_service.h"

#include <fmt/format.h>

#include <csignal>

#include "abi/memcheck.h"
#include "trap/operand_memory.h"
#include "trap/plan.h"
#include "trap/string_instruction.h"

namespace drydock {
namespace {

constexpr const char* kNoQuotient = "an integer division that has no result";

TrapOutcome verdict(TrapVerdict v, std::string reason) {
  TrapOutcome outcome;
  outcome.verdict = v;
  outcome.reason = std::move(reason);
  return outcome;
}

TrapOutcome wild(std::uint64_t address, unsigned size, bool write, RegionKind region, const char* what) {
  TrapOutcome outcome = verdict(TrapVerdict::wild, fmt::format("{} {:#x}, {}", write ? "a write to" : "a read of", address, what));
  outcome.region = region;
  outcome.address = address;
  outcome.size = size;
  outcome.write = write;
  return outcome;
}

const char* what_it_is(RegionKind kind) {
  switch (kind) {
    case RegionKind::guard: return "which lies beside an object";
    case RegionKind::dead: return "whose object is gone";
    case RegionKind::kuser: return "which is read-only";
    default: return "which belongs to nobody";
  }
}

TrapOutcome from_emulation(const Emulation& emulation, RegionKind region) {
  if (emulation.result == Emulation::Result::wild)
    return wild(emulation.address, emulation.size, emulation.write, RegionKind::none, what_it_is(RegionKind::none));
  TrapOutcome outcome;
  if (emulation.result == Emulation::Result::refused) outcome = verdict(TrapVerdict::unsupported, emulation.reason);
  if (emulation.result == Emulation::Result::no_quotient) {
    outcome = verdict(TrapVerdict::divide_error, kNoQuotient);
    outcome.divides_by_zero = true;  // a register of a device is not read again to see what it divided by
  }
  outcome.region = region;
  outcome.address = emulation.address;
  outcome.size = emulation.size;
  outcome.write = emulation.write;
  return outcome;
}

/// Valgrind counts a repetition, and takes a popped value off the stack, before the access that faults.
void undo_what_valgrind_did_early(const Plan& plan, TrapFrame& frame) {
  if (plan.kind == PlanKind::string && is_repeated(plan.instruction)) ++frame[Gpr::rcx];
  if (plan.kind == PlanKind::pop && plan.memory) frame[Gpr::rsp] -= plan.size;
}

bool is_canonical(std::uint64_t address) {
  const auto sign = static_cast<std::int64_t>(address) >> 47;
  return sign == 0 || sign == -1;
}

/// The first memory operand that cannot be an address at all.
const ZydisDecodedOperand* non_canonical_operand(const Plan& plan, const TrapFrame& frame) {
  for (const auto& operand : plan.instruction.all())
    if (is_memory_access(operand) && !is_canonical(address_of(operand, plan.instruction, frame))) return &operand;
  return nullptr;
}

TrapOutcome no_more_plans() {
  return verdict(TrapVerdict::unsupported, fmt::format("more than {} different instructions trapped", kPlansMax));
}

}  // namespace

TrapOutcome TrapService::handle(TrapFrame& frame) {
  switch (frame.signal) {
    case SIGTRAP: return breakpoint(frame);
    case SIGFPE:
      if (frame.signal_code == FPE_INTDIV || frame.signal_code == FPE_INTOVF)
        return division(frame);
      return verdict(TrapVerdict::float_error, "a floating-point exception that the driver has unmasked");
    case SIGBUS:
      if (frame.signal_code == BUS_ADRALN) return verdict(TrapVerdict::misaligned, "a misaligned access");
      break;
    default: break;
  }
  return frame.has_fault_address() ? page_fault(frame) : general_protection(frame);
}

/// The processor reports int3 behind itself, in its short form (CC) and in its long one (CD 03).
TrapOutcome TrapService::breakpoint(TrapFrame& frame) {
  const std::uint64_t behind = frame.rip();
  for (const unsigned length : {1u, 2u}) {
    const Plan* plan = emulator_.plan_at(behind - length);
    if (!plan || plan->kind != PlanKind::privileged || plan->instruction.length() != length) continue;
    frame[Gpr::rip] = behind - length;
    return run_privileged(*plan, frame);
  }
  return verdict(TrapVerdict::unsupported, "a debug trap");
}

/// The processor does not say which of its two reasons it had; the divisor does.
TrapOutcome TrapService::division(const TrapFrame& frame) {
  TrapOutcome outcome = verdict(TrapVerdict::divide_error, kNoQuotient);
  const Plan* plan = emulator_.plan_at(frame.rip());
  if (!plan || plan->instruction.visible().empty()) return outcome;
  const ZydisDecodedOperand& divisor = plan->instruction.visible()[0];
  std::uint64_t value = 0;
  if (divisor.type == ZYDIS_OPERAND_TYPE_REGISTER)
    value = read_register(frame, divisor.reg.value);
  else if (!OperandMemory(regions_).read(address_of(divisor, plan->instruction, frame), &value, size_in_bytes(divisor)))
    return outcome;
  outcome.divides_by_zero = value == 0;
  return outcome;
}

TrapOutcome TrapService::page_fault(TrapFrame& frame) {
  if (frame.is_fetch()) {
    TrapOutcome outcome = verdict(TrapVerdict::wild, fmt::format("a jump to {:#x}, which is not code", frame.rip()));
    outcome.address = frame.rip();
    return outcome;
  }
  const Plan* plan = emulator_.plan_at(frame.rip());
  if (!plan) return no_more_plans();
  if (memcheck::running()) undo_what_valgrind_did_early(*plan, frame);
  const Region region = regions_.find(frame.fault_address);
  const bool known = plan->memory && plan->kind != PlanKind::string;  // which of its two operands, only the processor says
  const bool write = known ? plan->writes : frame.is_write();
  if (!region.port) return wild(frame.fault_address, plan->size, write, region.kind, what_it_is(region.kind));
  return from_emulation(emulator_.execute(*plan, frame, regions_), region.kind);
}

/// #GP names no address: a privileged instruction, a non-canonical address, a misaligned SSE access, or something the
/// driver must not do. SIGILL comes here too: valgrind reports privileged instructions so.
TrapOutcome TrapService::general_protection(TrapFrame& frame) {
  const Plan* plan = emulator_.plan_at(frame.rip());
  if (!plan) return no_more_plans();
  if (plan->kind == PlanKind::illegal) return verdict(TrapVerdict::illegal, "bytes that are no instruction");
  if (plan->kind == PlanKind::privileged) return run_privileged(*plan, frame);
  if (plan->instruction.decoded.meta.category == ZYDIS_CATEGORY_IOSTRINGOP) return verdict(TrapVerdict::unsupported, plan->refusal);
  const std::string name = plan->instruction.name();
  if (frame.signal == SIGILL) return verdict(TrapVerdict::illegal, fmt::format("{}, which this processor refuses", name));
  if (const auto* operand = non_canonical_operand(*plan, frame)) {
    const std::uint64_t address = address_of(*operand, plan->instruction, frame);
    return wild(address, size_in_bytes(*operand), writes(*operand), RegionKind::none, "which is no address at all");
  }
  if (name == "ret")  // the processor refuses before it jumps
    return verdict(TrapVerdict::wild, "the return address on the stack was overwritten: it is no address at all");
  if (plan->memory && plan->size >= 16) {
    TrapOutcome outcome = verdict(TrapVerdict::misaligned, fmt::format("{} of a misaligned address", name));
    outcome.address = address_of(*plan->memory, plan->instruction, frame);
    outcome.size = plan->size;
    outcome.write = plan->writes;
    return outcome;
  }
  return verdict(TrapVerdict::unsupported, fmt::format("{} raised a general protection fault", name));
}

TrapOutcome TrapService::run_privileged(const Plan& plan, TrapFrame& frame) {
  const PrivilegedOutcome privileged = execute_privileged(plan, frame, privileged_, regions_);
  switch (privileged.result) {
    case PrivilegedOutcome::Result::done: return {};
    case PrivilegedOutcome::Result::wild:
      return wild(privileged.address, plan.size, plan.writes, RegionKind::none, what_it_is(RegionKind::none));
    case PrivilegedOutcome::Result::refused: break;
  }
  return verdict(TrapVerdict::unsupported, privileged.reason);
}

}  // namespace drydock
