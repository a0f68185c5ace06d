// ntoskrnl.exe: structured exceptions: raising, unwinding, and the tables of images.

#include <cstring>

#include "ddi/modules.h"
#include "ddi/raise.h"
#include "seh/machine_context.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr Irql kApcLevel = 1;

// --- raising ------------------------------------------------------------------------------------------------------------

// ASSUMED: none of these can be continued; what a filter says otherwise is STATUS_NONCONTINUABLE_EXCEPTION
// (tests/drivers/exceptions_raised).
Raising<void> raise_status(Call&, NTSTATUS status) { return raise(status); }
Raising<void> raise_misalignment(Call&) { return raise(STATUS_DATATYPE_MISALIGNMENT); }
Raising<void> raise_violation(Call&) { return raise(STATUS_ACCESS_VIOLATION); }

Raising<void> raise_record(Call& call, EXCEPTION_RECORD* record) {
  if (call.object(record, "ExceptionRecord") == nullptr) return raise(STATUS_ACCESS_VIOLATION);
  if (record->NumberParameters > EXCEPTION_MAXIMUM_PARAMETERS) record->NumberParameters = EXCEPTION_MAXIMUM_PARAMETERS;
  Raised own;
  own.record = record;
  return tl::unexpected(own);
}

// --- the registers of the caller, and leaving for elsewhere ----------------------------------------------------------------

MSABI void capture_context(CONTEXT* context) noexcept {
  const TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
  Call call("RtlCaptureContext", kDispatchLevel, call_frame_of(caller));
  if (CONTEXT* host = call.object(context, "ContextRecord")) seh::fill_context(*host, caller);
}

/// The target's frame is not on the stack: as an exception of its own. DOC: DRY-20
[[noreturn]] void raise_bad_target(TrapFrame& caller) {
  raise_at(current_kernel(), caller, raise(STATUS_INVALID_UNWIND_TARGET).value());
}

[[noreturn]] void unwind(TrapFrame& caller, const char* name, seh::UnwindTarget target) {
  Kernel& kernel = current_kernel();
  {
    Call call(name, kAnyIrql, call_frame_of(caller));
    if (target.record != nullptr) target.record = call.object(target.record, "ExceptionRecord");
    if (target.context != nullptr) target.context = call.object(target.context, "ContextRecord");
  }
  kernel.exceptions().unwind(*kernel.current_fiber, caller, target);
  raise_bad_target(caller);
}

MSABI void rtl_unwind(std::uint64_t frame, std::uint64_t ip, EXCEPTION_RECORD* record, std::uint64_t value) noexcept {
  unwind(registers_of_caller(__builtin_frame_address(0)), "RtlUnwind", {frame, ip, value, record, nullptr});
}
MSABI void rtl_unwind_ex(std::uint64_t frame, std::uint64_t ip, EXCEPTION_RECORD* record, std::uint64_t value, CONTEXT* context, void*) noexcept {
  unwind(registers_of_caller(__builtin_frame_address(0)), "RtlUnwindEx", {frame, ip, value, record, context});
}
/// ASSUMED: how Microsoft's compiler leaves a __try for a place further out: {frame, address}, as with RtlUnwind
/// (tests/drivers/exceptions_unwind).
MSABI void local_unwind(std::uint64_t frame, std::uint64_t ip) noexcept {
  unwind(registers_of_caller(__builtin_frame_address(0)), "_local_unwind", {frame, ip, 0, nullptr, nullptr});
}

template <auto Entry>
Row entered_with_registers(const char* name, Irql irql_max, const char* page, Coverage coverage = Coverage::full, const char* note = "") {
  return {name, kModule, raising_entry(reinterpret_cast<const void*>(Entry)), false, irql_max, coverage, true, page, note};
}

// --- the language handler of C -----------------------------------------------------------------------------------------------

// Called for each function with __try, by the dispatcher or by a handler linked into the driver (__GSHandlerCheck_SEH).
MSABI EXCEPTION_DISPOSITION c_specific_handler(EXCEPTION_RECORD* record, std::uint64_t establisher_frame, CONTEXT* context,
                                               DISPATCHER_CONTEXT* dispatcher) noexcept {
  Kernel& kernel = current_kernel();
  const seh::Link* link = seh::Link::innermost(*kernel.current_fiber);
  if (link == nullptr || link->dispatcher() != dispatcher) {
    const auto* frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
    kernel.bug_check(0x1E, {static_cast<std::uint32_t>(STATUS_BAD_STACK), frame[1], 0, 0}, CallSite(frame),
                     "__C_specific_handler was called by the driver outside any exception");
  }
  const DriverCrossing crossing(*kernel.current_fiber, DRYDOCK_CALLER_RSP());
  return kernel.exceptions().run_scopes(*kernel.current_fiber, *record, establisher_frame, *context, *dispatcher);
}

// --- tables --------------------------------------------------------------------------------------------------------------------

RUNTIME_FUNCTION* lookup_function_entry(Call& call, std::uint64_t pc, std::uint64_t* base, void*) {
  const auto image = call.kernel().exceptions().code().image_at(pc);
  if (auto* host = call.object(base, "ImageBase")) *host = image ? image->base : 0;
  const auto function = image ? find_function(*image->pe, static_cast<std::uint32_t>(pc - image->base)) : std::nullopt;
  return function ? reinterpret_cast<RUNTIME_FUNCTION*>(image->base + function->row) : nullptr;
}

/// The stack that the context describes is the caller's own.
const void* virtual_unwind_frame(Call& call, ULONG type, std::uint64_t base, std::uint64_t pc, const RUNTIME_FUNCTION*, CONTEXT* context,
                                 void** data, std::uint64_t* establisher, void*) {
  CONTEXT* host = call.object(context, "ContextRecord");
  const auto image = call.kernel().exceptions().code().image_at(base);
  if (host == nullptr || !image) return nullptr;
  const Fiber& fiber = call.scheduler().fiber();
  RegisterContext registers = seh::registers_in(*host);
  registers.rip = pc;
  const auto step = virtual_unwind(*image->pe, image->base, registers, RipKind::exact, StackRange(fiber.stack_bottom(), fiber.stack_top()));
  if (!step) return nullptr;
  seh::put_registers(*host, registers);
  if (auto* frame = call.object(establisher, "EstablisherFrame")) *frame = step->establisher_frame;
  const bool wanted = ((type & UNW_FLAG_EHANDLER) && step->handles_exceptions) || ((type & UNW_FLAG_UHANDLER) && step->handles_unwind);
  if (!wanted || step->handler_rva == 0) return nullptr;
  if (auto* to = call.object(data, "HandlerData")) *to = reinterpret_cast<void*>(image->base + step->handler_data_rva);
  return reinterpret_cast<const void*>(image->base + step->handler_rva);
}

}  // namespace

std::vector<Row> exception_rows() {
  const char* no_history = "history tables are not kept";
  return {
      raising_routine<"ExRaiseStatus", kApcLevel, &raise_status>(kModule, "nf-wdm-exraisestatus"),
      raising_routine<"ExRaiseAccessViolation", kPassiveLevel, &raise_violation>(kModule, "nf-ntddk-exraiseaccessviolation"),
      raising_routine<"ExRaiseDatatypeMisalignment", kPassiveLevel, &raise_misalignment>(kModule, "nf-ntddk-exraisedatatypemisalignment"),
      raising_routine<"RtlRaiseStatus", kApcLevel, &raise_status>(kModule, "nf-wdm-exraisestatus", Coverage::full, "the older name of ExRaiseStatus, without a page of its own"),
      raising_routine<"RtlRaiseException", kAnyIrql, &raise_record>(kModule, "nf-rtlsupportapi-rtlraiseexception"),
      entered_with_registers<&capture_context>("RtlCaptureContext", kDispatchLevel, "nf-ntifs-rtlcapturecontext"),
      entered_with_registers<&rtl_unwind>("RtlUnwind", kAnyIrql, "nf-winnt-rtlunwind"),
      entered_with_registers<&rtl_unwind_ex>("RtlUnwindEx", kAnyIrql, "nf-winnt-rtlunwindex", Coverage::partial, no_history),
      entered_with_registers<&local_unwind>("_local_unwind", kAnyIrql, "exception-handling-x64", Coverage::full,
                                            "the compiler's own; the page tells of unwinding, not of this name"),
      raw_routine("__C_specific_handler", kModule, reinterpret_cast<const void*>(&c_specific_handler), kAnyIrql, "c-specific-handler2"),
      routine<"RtlLookupFunctionEntry", kAnyIrql, &lookup_function_entry>(kModule, "nf-winnt-rtllookupfunctionentry", Coverage::partial, no_history),
      routine<"RtlVirtualUnwind", kAnyIrql, &virtual_unwind_frame>(kModule, "nf-winnt-rtlvirtualunwind", Coverage::partial,
                                                                  "ContextPointers are not filled"),
  };
}

}  // namespace drydock::ddi
