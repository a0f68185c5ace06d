#include "machine/trap_exception.h"

#include <csignal>
#include <iterator>

namespace drydock {
namespace {

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

/// Of SSE the processor's own register says which it is; the signal's code does not tell denormal operands apart.
/// ASSUMED: one code each, as for the x87, and what is told before the operation goes first (tests/drivers/exceptions_trapped).
NTSTATUS sse_status(std::uint32_t mxcsr) {
  constexpr unsigned kMasks = 7;
  constexpr NTSTATUS kByBit[] = {STATUS_FLOAT_INVALID_OPERATION, STATUS_FLOAT_DENORMAL_OPERAND, STATUS_FLOAT_DIVIDE_BY_ZERO,
                                 STATUS_FLOAT_OVERFLOW,          STATUS_FLOAT_UNDERFLOW,        STATUS_FLOAT_INEXACT_RESULT};
  for (unsigned bit = 0; bit < std::size(kByBit); ++bit)
    if ((mxcsr & ~(mxcsr >> kMasks)) >> bit & 1) return kByBit[bit];
  return STATUS_FLOAT_INVALID_OPERATION;
}

NTSTATUS x87_status(std::int32_t signal_code) {
  switch (signal_code) {
    case FPE_FLTDIV: return STATUS_FLOAT_DIVIDE_BY_ZERO;
    case FPE_FLTOVF: return STATUS_FLOAT_OVERFLOW;
    case FPE_FLTUND: return STATUS_FLOAT_UNDERFLOW;
    case FPE_FLTRES: return STATUS_FLOAT_INEXACT_RESULT;
    default: return STATUS_FLOAT_INVALID_OPERATION;
  }
}

/// DOC: DRY-20 floating point is an exception like any other.
NTSTATUS float_status(const TrapFrame& frame) {
  constexpr std::uint64_t kSimdFloatingPoint = 19;
  return frame[Gpr::trap_number] == kSimdFloatingPoint ? sse_status(frame.mxcsr()) : x87_status(frame.signal_code);
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
    case TrapVerdict::divide_error: return exception_record(outcome.divides_by_zero ? STATUS_INTEGER_DIVIDE_BY_ZERO : STATUS_INTEGER_OVERFLOW, frame.rip());
    case TrapVerdict::float_error: return exception_record(float_status(frame), frame.rip());
    case TrapVerdict::illegal: return exception_record(STATUS_ILLEGAL_INSTRUCTION, frame.rip());
    case TrapVerdict::emulated:
    case TrapVerdict::unsupported: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace drydock
