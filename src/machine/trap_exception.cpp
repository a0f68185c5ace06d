#include "machine/trap_exception.h"

#include <csignal>

namespace drydock {
namespace {

constexpr NTSTATUS status(std::uint32_t value) { return static_cast<NTSTATUS>(value); }

// Values of the public header ntstatus.h.
constexpr NTSTATUS kFloatDenormal = status(0xC000'008D), kFloatDivide = status(0xC000'008E), kFloatInexact = status(0xC000'008F),
                   kFloatInvalid = status(0xC000'0090), kFloatOverflow = status(0xC000'0091), kFloatUnderflow = status(0xC000'0093),
                   kIntegerOverflow = status(0xC000'0095);

constexpr ULONG_PTR kNoAddress = ~ULONG_PTR{0};

EXCEPTION_RECORD access_violation(const TrapFrame& frame, ULONG_PTR how, std::uint64_t address) {
  EXCEPTION_RECORD record = exception_record(STATUS_ACCESS_VIOLATION, frame.rip());
  record.NumberParameters = 2;
  record.ExceptionInformation[0] = how;
  record.ExceptionInformation[1] = address;
  return record;
}

/// DOC: VER-131 VER-132 a page fault at DISPATCH_LEVEL or above, or outside user space, stops the machine at once.
std::optional<EXCEPTION_RECORD> of_page_fault(const TrapOutcome& outcome, const TrapFrame& frame, const TrapCircumstances& at) {
  if (at.irql >= kDispatchLevel || at.in_image || outcome.address >= at.user_end) return std::nullopt;
  if (frame.is_fetch()) return access_violation(frame, EXCEPTION_EXECUTE_FAULT, frame.rip());
  return access_violation(frame, outcome.write ? EXCEPTION_WRITE_FAULT : EXCEPTION_READ_FAULT, outcome.address);
}

NTSTATUS float_status(std::int32_t signal_code) {
  switch (signal_code) {
    case FPE_FLTDIV: return kFloatDivide;
    case FPE_FLTOVF: return kFloatOverflow;
    case FPE_FLTUND: return kFloatUnderflow;
    case FPE_FLTRES: return kFloatInexact;
    case FPE_FLTSUB: return kFloatDenormal;
    default: return kFloatInvalid;
  }
}

}  // namespace

EXCEPTION_RECORD exception_record(NTSTATUS code, std::uint64_t address) {
  EXCEPTION_RECORD record{};
  record.ExceptionCode = code;
  record.ExceptionAddress = reinterpret_cast<void*>(address);
  return record;
}

// ASSUMED: an address that cannot be one, and a misaligned SSE access, are general protection faults, which do not say
// where: a read of the highest address (trap_exception_test.cpp).
std::optional<EXCEPTION_RECORD> exception_of(const TrapOutcome& outcome, const TrapFrame& frame, const TrapCircumstances& at) {
  switch (outcome.verdict) {
    case TrapVerdict::wild:
      if (frame.has_fault_address()) return of_page_fault(outcome, frame, at);
      return access_violation(frame, EXCEPTION_READ_FAULT, kNoAddress);
    case TrapVerdict::misaligned: return access_violation(frame, EXCEPTION_READ_FAULT, kNoAddress);
    case TrapVerdict::divide_error: return exception_record(outcome.divides_by_zero ? STATUS_INTEGER_DIVIDE_BY_ZERO : kIntegerOverflow, frame.rip());
    case TrapVerdict::float_error: return exception_record(float_status(frame.signal_code), frame.rip());
    case TrapVerdict::illegal: return exception_record(STATUS_ILLEGAL_INSTRUCTION, frame.rip());
    case TrapVerdict::emulated:
    case TrapVerdict::unsupported: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace drydock
