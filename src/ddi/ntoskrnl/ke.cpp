// ntoskrnl.exe: Ke…, Dbg…, and kernel variables.

#include <algorithm>
#include <cstring>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"
#include "ddi/varargs.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

// --- IRQL ------------------------------------------------------------------------------------------------

UCHAR get_current_irql(Call& call) { return call.scheduler().irql(); }
UCHAR raise_irql(Call& call, UCHAR to) {
  const Irql old = call.scheduler().irql();
  if (to < old) call.broken("VER-85", "", fmt::format("KeRaiseIrql to {} at IRQL {}: it can only raise", to, old));
  return call.scheduler().raise_irql(to);
}
UCHAR raise_irql_to_dpc_level(Call& call) { return raise_irql(call, kDispatchLevel); }
void lower_irql(Call& call, UCHAR to) {
  if (to > call.scheduler().irql()) call.broken("VER-85", "", fmt::format("KeLowerIrql to {} at IRQL {}: it can only lower", to, call.scheduler().irql()));
  call.scheduler().lower_irql(to);
}

// --- time and processors --------------------------------------------------------------------------------------------------

void stall(Call& call, ULONG microseconds) { call.scheduler().stall(microseconds * kMicrosecond); }
void query_system_time(Call& call, LARGE_INTEGER* time) {
  call.scheduler().poll();
  if (LARGE_INTEGER* host = call.object(time, "CurrentTime")) host->QuadPart = static_cast<LONGLONG>(call.kernel().system_time());
}
LONGLONG query_performance_counter(Call& call, LARGE_INTEGER* frequency) {
  call.scheduler().poll();
  if (frequency != nullptr)
    if (LARGE_INTEGER* host = call.object(frequency, "PerformanceFrequency")) host->QuadPart = 10'000'000;
  return static_cast<LONGLONG>(call.kernel().interrupt_time());
}
ULONGLONG query_interrupt_time(Call& call) {
  call.scheduler().poll();
  return call.kernel().interrupt_time();
}
ULONG query_time_increment(Call&) { return 156'250; }
ULONG active_processor_count(Call& call, ULONG_PTR* affinity) {
  if (affinity != nullptr)
    if (ULONG_PTR* host = call.object(affinity, "ActiveProcessors")) *host = ~ULONG_PTR{0} >> (64 - call.scheduler().cpu_count());
  return call.scheduler().cpu_count();
}
ULONG active_processor_count_ex(Call& call, USHORT) { return call.scheduler().cpu_count(); }
ULONG_PTR active_processors(Call& call) { return ~ULONG_PTR{0} >> (64 - call.scheduler().cpu_count()); }
USHORT active_group_count(Call&) { return 1; }
ULONG current_processor_number(Call& call, PROCESSOR_NUMBER* number) {
  if (number != nullptr)
    if (auto* host = call.object(number, "ProcNumber")) *host = {0, static_cast<UCHAR>(call.scheduler().cpu().index), 0};
  return call.scheduler().cpu().index;
}

// --- the end -----------------------------------------------------------------------------------------------------------------

void bug_check_ex(Call& call, ULONG code, ULONG_PTR a, ULONG_PTR b, ULONG_PTR c, ULONG_PTR d) {
  call.kernel().bug_check(code, {a, b, c, d}, call.place());
}
void bug_check(Call& call, ULONG code) { call.kernel().bug_check(code, {}, call.place()); }

// --- debug output --------------------------------------------------------------------------------------------------------------

MSABI ULONG dbg_print(const char* format, ...) noexcept {
  Call call("DbgPrint", kAnyIrql, __builtin_frame_address(0));
  __builtin_ms_va_list arguments;
  __builtin_ms_va_start(arguments, format);
  call.kernel().debug_print(format_text(call, format, arguments));
  __builtin_ms_va_end(arguments);
  return 0;
}

MSABI ULONG dbg_print_ex(ULONG, ULONG, const char* format, ...) noexcept {
  Call call("DbgPrintEx", kAnyIrql, __builtin_frame_address(0));
  __builtin_ms_va_list arguments;
  __builtin_ms_va_start(arguments, format);
  call.kernel().debug_print(format_text(call, format, arguments));
  __builtin_ms_va_end(arguments);
  return 0;
}

ULONG vdbg_print_ex(Call& call, ULONG, ULONG, const char* format, char* list) {
  __builtin_ms_va_list arguments = list;
  call.kernel().debug_print(format_text(call, format, arguments));
  return 0;
}
ULONG vdbg_print_ex_with_prefix(Call& call, const char* prefix, ULONG, ULONG, const char* format, char* list) {
  __builtin_ms_va_list arguments = list;
  call.kernel().debug_print(driver_text(call, prefix, 512, "Prefix") + format_text(call, format, arguments));
  return 0;
}

void break_point(Call& call) { call.kernel().debug_print("DbgBreakPoint"); }

constexpr USHORT kBuildNumber = 19045;
constexpr UCHAR kDebuggerEnabled = 0, kDebuggerNotPresent = 1;
constexpr ULONG kSafeBootMode = 0;

}  // namespace

std::vector<Row> ke_rows() {
  return {
      routine<"KeGetCurrentIrql", kAnyIrql, &get_current_irql>(kModule, "nf-wdm-kegetcurrentirql"),
      routine<"KfRaiseIrql", kAnyIrql, &raise_irql>(kModule, "nf-wdm-keraiseirql"),
      routine<"KeRaiseIrqlToDpcLevel", kAnyIrql, &raise_irql_to_dpc_level>(kModule, "nf-wdm-keraiseirqltodpclevel"),
      routine<"KeLowerIrql", kAnyIrql, &lower_irql>(kModule, "nf-wdm-kelowerirql"),
      routine<"KfLowerIrql", kAnyIrql, &lower_irql>(kModule, "nf-wdm-kelowerirql"),
      routine<"KeStallExecutionProcessor", kAnyIrql, &stall>(kModule, "nf-ntifs-kestallexecutionprocessor"),
      routine<"KeQuerySystemTimePrecise", kAnyIrql, &query_system_time>(kModule, "nf-wdm-kequerysystemtimeprecise"),
      routine<"KeQueryPerformanceCounter", kAnyIrql, &query_performance_counter>(kModule, "nf-ntifs-kequeryperformancecounter"),
      routine<"KeQueryInterruptTime", kAnyIrql, &query_interrupt_time>(kModule, "nf-wdm-kequeryinterrupttime"),
      routine<"KeQueryTimeIncrement", kAnyIrql, &query_time_increment>(kModule, "nf-wdm-kequerytimeincrement"),
      routine<"KeQueryActiveProcessorCount", kAnyIrql, &active_processor_count>(kModule, "nf-wdm-kequeryactiveprocessorcount"),
      routine<"KeQueryActiveProcessorCountEx", kAnyIrql, &active_processor_count_ex>(kModule, "nf-wdm-kequeryactiveprocessorcountex"),
      routine<"KeQueryMaximumProcessorCountEx", kAnyIrql, &active_processor_count_ex>(kModule, "nf-wdm-kequerymaximumprocessorcountex"),
      routine<"KeQueryActiveGroupCount", kAnyIrql, &active_group_count>(kModule, "nf-wdm-kequeryactivegroupcount"),
      routine<"KeQueryActiveProcessors", kAnyIrql, &active_processors>(kModule, "nf-wdm-kequeryactiveprocessors"),
      routine<"KeGetCurrentProcessorNumberEx", kAnyIrql, &current_processor_number>(kModule, "nf-wdm-kegetcurrentprocessornumberex"),
      routine<"KeBugCheckEx", kAnyIrql, &bug_check_ex>(kModule, "nf-wdm-kebugcheckex"),
      routine<"KeBugCheck", kAnyIrql, &bug_check>(kModule, "nf-ntddk-kebugcheck"),
      raw_routine("DbgPrint", kModule, reinterpret_cast<const void*>(&dbg_print), kAnyIrql, "nf-wdm-dbgprint"),
      raw_routine("DbgPrintEx", kModule, reinterpret_cast<const void*>(&dbg_print_ex), kAnyIrql, "nf-wdm-dbgprintex"),
      routine<"vDbgPrintEx", kAnyIrql, &vdbg_print_ex>(kModule, "nf-wdm-vdbgprintex"),
      routine<"vDbgPrintExWithPrefix", kAnyIrql, &vdbg_print_ex_with_prefix>(kModule, "nf-wdm-vdbgprintexwithprefix"),
      routine<"DbgBreakPoint", kAnyIrql, &break_point>(kModule, "nf-wdm-dbgbreakpoint", Coverage::partial, "told in the debug output; no debugger is entered"),
      data_row("NtBuildNumber", kModule, &kBuildNumber, "nf-wdm-rtlgetversion"),
      data_row("KdDebuggerEnabled", kModule, &kDebuggerEnabled, "nf-wdm-kdrefreshdebuggernotpresent"),
      data_row("KdDebuggerNotPresent", kModule, &kDebuggerNotPresent, "nf-wdm-kdrefreshdebuggernotpresent"),
      data_row("InitSafeBootMode", kModule, &kSafeBootMode, "determining-whether-the-operating-system-is-running-in-safe-mode"),
  };
}

}  // namespace drydock::ddi
