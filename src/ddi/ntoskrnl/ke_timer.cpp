// ntoskrnl.exe: Ke…: timers and DPCs; Ex…Timer.

#include <memory>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"
#include "ddi/pool.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

// --- DPCs. DOC: ST-94 -------------------------------------------------------------------------------------------------------

void initialize(Call& call, KDPC* dpc, PKDEFERRED_ROUTINE routine, void* context, UCHAR type) {
  KDPC* host = call.object(dpc, "Dpc");
  if (host == nullptr) return;
  if (call.kernel().objects().dpcs.queued(*host)) return call.broken("DRY-30", "", fmt::format("{}: the DPC is queued", call.name()));
  *host = {};
  host->Type = type;
  host->Importance = MediumImportance;
  host->DeferredRoutine = routine;
  host->DeferredContext = context;
}
void initialize_dpc(Call& call, KDPC* dpc, PKDEFERRED_ROUTINE routine, void* context) { initialize(call, dpc, routine, context, kDpcType); }
void initialize_threaded_dpc(Call& call, KDPC* dpc, PKDEFERRED_ROUTINE routine, void* context) { initialize(call, dpc, routine, context, kThreadedDpcType); }

/// Null after a finding. DOC: DRY-30
KDPC* dpc_object(Call& call, KDPC* dpc) {
  KDPC* host = call.object(dpc, "Dpc");
  if (host == nullptr) return nullptr;
  const bool known = (host->Type == kDpcType || host->Type == kThreadedDpcType) && host->DeferredRoutine != nullptr;
  if (!known) call.broken("DRY-30", "", fmt::format("{}: the DPC was never initialised, or is overwritten", call.name()));
  return known ? host : nullptr;
}

BOOLEAN insert_dpc(Call& call, KDPC* dpc, void* argument1, void* argument2) {
  KDPC* host = dpc_object(call, dpc);
  return host != nullptr && call.kernel().objects().dpcs.insert(*host, dpc, argument1, argument2);
}
BOOLEAN remove_dpc(Call& call, KDPC* dpc) {
  KDPC* host = dpc_object(call, dpc);
  return host != nullptr && call.kernel().objects().dpcs.remove(*host);
}
void set_importance(Call& call, KDPC* dpc, KDPC_IMPORTANCE importance) {
  if (KDPC* host = dpc_object(call, dpc)) host->Importance = static_cast<UCHAR>(importance);
}
bool set_target(Call& call, KDPC* dpc, unsigned cpu) {
  KDPC* host = dpc_object(call, dpc);
  if (host == nullptr || cpu >= call.scheduler().cpu_count()) return false;
  host->Number = static_cast<USHORT>(cpu + 1);
  return true;
}
// DOC: VER-161
void set_target_processor(Call& call, KDPC* dpc, CCHAR number) {
  if (number < 0 || static_cast<unsigned>(number) >= call.scheduler().cpu_count())
    return call.broken("VER-161", "0xC7/0x3", fmt::format("KeSetTargetProcessorDpc was given processor {}; there are {}", int{number}, call.scheduler().cpu_count()));
  set_target(call, dpc, static_cast<unsigned>(number));
}
NTSTATUS set_target_processor_ex(Call& call, KDPC* dpc, PROCESSOR_NUMBER* number) {
  const PROCESSOR_NUMBER* host = call.object<const PROCESSOR_NUMBER>(number, "ProcNumber");
  if (host == nullptr || host->Group != 0 || host->Reserved != 0) return STATUS_INVALID_PARAMETER;
  return set_target(call, dpc, host->Number) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
void flush_dpcs(Call& call) {
  if (call.scheduler().irql() == kPassiveLevel && call.scheduler().thread() != nullptr) call.kernel().objects().dpcs.flush();
}

// --- timers ---------------------------------------------------------------------------------------------------------------

bool is_timer_kind(DispatcherKind kind) { return is_timer(kind); }
KTIMER* timer_object(Call& call, KTIMER* timer) { return dispatcher_object(call, timer, "Timer", &is_timer_kind); }

void initialize_timer_ex(Call& call, KTIMER* timer, TIMER_TYPE type) {
  KTIMER* host = call.object(timer, "Timer");
  if (host == nullptr) return;
  if (call.kernel().objects().timers.cancel(*host)) call.broken("DRY-30", "", fmt::format("{}: the timer is set", call.name()));
  *host = {};
  Dispatcher::initialize(host->Header, reinterpret_cast<std::uint64_t>(timer),
                         type == NotificationTimer ? DispatcherKind::notification_timer : DispatcherKind::synchronization_timer, sizeof *host, 0);
}
void initialize_timer(Call& call, KTIMER* timer) { initialize_timer_ex(call, timer, NotificationTimer); }

// LARGE_INTEGER of eight bytes travels in a register.
BOOLEAN set_timer_ex(Call& call, KTIMER* timer, LONGLONG due, LONG period, KDPC* dpc) {
  KTIMER* host = timer_object(call, timer);
  if (host == nullptr) return FALSE;
  KDPC* dpc_host = dpc == nullptr ? nullptr : dpc_object(call, dpc);
  if (period < 0) call.broken("DRY-30", "", fmt::format("{} was given a period of {} ms", call.name(), period));
  const CodePlace where = call.place();
  return call.kernel().objects().timers.set(*host, timer, time_until(due, call.kernel().system_time()), period < 0 ? 0 : static_cast<ULONG>(period),
                                            dpc_host == nullptr ? nullptr : dpc, dpc_host, {where.rip, 0, 0, where.is_return_address});
}
BOOLEAN set_timer(Call& call, KTIMER* timer, LONGLONG due, KDPC* dpc) { return set_timer_ex(call, timer, due, 0, dpc); }
// ASSUMED: nothing else wakes the processor, so a timer is never coalesced. tests/drivers/wdm/kernel_routines
BOOLEAN set_coalescable_timer(Call& call, KTIMER* timer, LONGLONG due, ULONG period, ULONG, KDPC* dpc) {
  return set_timer_ex(call, timer, due, static_cast<LONG>(period), dpc);
}
BOOLEAN cancel_timer(Call& call, KTIMER* timer) {
  KTIMER* host = timer_object(call, timer);
  return host != nullptr && call.kernel().objects().timers.cancel(*host);
}
BOOLEAN read_timer(Call& call, KTIMER* timer) {
  const KTIMER* host = timer_object(call, timer);
  return host != nullptr && host->Header.SignalState != 0;
}

}  // namespace

std::vector<Row> ke_timer_rows() {
  return {
      routine<"KeInitializeDpc", kAnyIrql, &initialize_dpc>(kModule, "nf-wdm-keinitializedpc"),
      routine<"KeInitializeThreadedDpc", kAnyIrql, &initialize_threaded_dpc>(kModule, "nf-wdm-keinitializethreadeddpc"),
      routine<"KeInsertQueueDpc", kAnyIrql, &insert_dpc>(kModule, "nf-wdm-keinsertqueuedpc"),
      routine<"KeRemoveQueueDpc", kAnyIrql, &remove_dpc>(kModule, "nf-wdm-keremovequeuedpc"),
      routine<"KeSetImportanceDpc", kAnyIrql, &set_importance>(kModule, "nf-wdm-kesetimportancedpc"),
      routine<"KeSetTargetProcessorDpc", kAnyIrql, &set_target_processor>(kModule, "nf-wdm-kesettargetprocessordpc"),
      routine<"KeSetTargetProcessorDpcEx", kAnyIrql, &set_target_processor_ex>(kModule, "nf-wdm-kesettargetprocessordpcex"),
      routine<"KeFlushQueuedDpcs", kPassiveLevel, &flush_dpcs>(kModule, "nf-wdm-keflushqueueddpcs"),
      routine<"KeInitializeTimer", kDispatchLevel, &initialize_timer>(kModule, "nf-wdm-keinitializetimer"),
      routine<"KeInitializeTimerEx", kDispatchLevel, &initialize_timer_ex>(kModule, "nf-wdm-keinitializetimerex"),
      routine<"KeSetTimer", kDispatchLevel, &set_timer>(kModule, "nf-wdm-kesettimer"),
      routine<"KeSetTimerEx", kDispatchLevel, &set_timer_ex>(kModule, "nf-wdm-kesettimerex"),
      routine<"KeSetCoalescableTimer", kDispatchLevel, &set_coalescable_timer>(kModule, "nf-wdm-kesetcoalescabletimer"),
      routine<"KeCancelTimer", kDispatchLevel, &cancel_timer>(kModule, "nf-wdm-kecanceltimer"),
      routine<"KeReadStateTimer", kDispatchLevel, &read_timer>(kModule, "nf-wdm-kereadstatetimer"),
  };
}

}  // namespace drydock::ddi
