// ntoskrnl.exe: Ex…Timer: timers that the system allocates. Each is pool with a KTIMER at its beginning, which waits look at, a
// DPC that calls the driver's routine, and what the driver gave for it.

#include <algorithm>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"
#include "ddi/pool.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kTimerTag = 0x6D697445;  // 'Etim'
constexpr ULONG kAlive = 0x454D4954;

struct ExTimer {
  KTIMER timer;
  KDPC dpc;
  PEXT_CALLBACK callback;
  void* context;
  ULONG mark;
};

/// Runs as a DPC routine, on the driver's side of the border.
MSABI void call_back(KDPC*, void* context, void*, void*) {
  const auto* timer = static_cast<const ExTimer*>(context);
  if (timer->callback != nullptr) current_kernel().services().call("EXT_CALLBACK", EntryKind::dpc, timer->callback, reinterpret_cast<PEX_TIMER>(context), timer->context);
}

/// Null after a finding.
ExTimer* timer_object(Call& call, ExTimer* timer) {
  ExTimer* host = call.object(timer, "Timer");
  if (host == nullptr || host->mark == kAlive) return host;
  call.broken("DRY-30", "", fmt::format("{} was given what ExAllocateTimer did not return, or a timer that is deleted", call.name()));
  return nullptr;
}

ExTimer* allocate(Call& call, PEXT_CALLBACK callback, void* context, ULONG attributes) {
  constexpr ULONG kKnown = EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE | EX_TIMER_NOTIFICATION;
  if ((attributes & ~kKnown) != 0) return nullptr;
  auto* made = static_cast<ExTimer*>(pool_allocate(call, sizeof(ExTimer), kTimerTag));
  ExTimer* host = made == nullptr ? nullptr : call.object(made, "the new timer");
  if (host == nullptr) return nullptr;
  *host = {};
  Dispatcher::initialize(host->timer.Header, reinterpret_cast<std::uint64_t>(&made->timer),
                         (attributes & EX_TIMER_NOTIFICATION) != 0 ? DispatcherKind::notification_timer : DispatcherKind::synchronization_timer, sizeof host->timer, 0);
  host->dpc.Type = kDpcType;
  host->dpc.Importance = MediumImportance;
  host->dpc.DeferredRoutine = &call_back;
  host->dpc.DeferredContext = host;
  host->callback = callback;
  host->context = context;
  host->mark = kAlive;
  return made;
}

// Periods are in units of 100 ns; a timer of the kernel counts milliseconds. ASSUMED: a shorter period is one millisecond.
// tests/drivers/wdm/kernel_routines
BOOLEAN set(Call& call, ExTimer* timer, LONGLONG due, LONGLONG period, EXT_SET_PARAMETERS* parameters) {
  ExTimer* host = timer_object(call, timer);
  if (host == nullptr || (parameters != nullptr && call.object(parameters, "Parameters") == nullptr)) return FALSE;
  const auto milliseconds = static_cast<ULONG>(period <= 0 ? 0 : std::max<LONGLONG>(1, period / 10'000));
  const CodePlace where = call.place();
  return call.kernel().objects().timers.set(host->timer, &timer->timer, time_until(due, call.kernel().system_time()), milliseconds, &timer->dpc, &host->dpc,
                                            {where.rip, 0, 0, where.is_return_address});
}

bool stop(Call& call, ExTimer& host) {
  const bool was_set = call.kernel().objects().timers.cancel(host.timer);
  return call.kernel().objects().dpcs.remove(host.dpc) || was_set;
}
BOOLEAN cancel(Call& call, ExTimer* timer, void*) {
  ExTimer* host = timer_object(call, timer);
  return host != nullptr && stop(call, *host);
}

// A timer that is set needs Cancel. The routine that is told runs when nothing of the timer will: at once.
BOOLEAN remove(Call& call, ExTimer* timer, BOOLEAN cancels, BOOLEAN wait, EXT_DELETE_PARAMETERS* parameters) {
  ExTimer* host = timer_object(call, timer);
  if (host == nullptr) return FALSE;
  if (wait && !cancels) call.broken("DRY-30", "", "ExDeleteTimer was called with Wait = TRUE and Cancel = FALSE");
  if (!cancels && call.kernel().objects().timers.active(host->timer)) call.broken("DRY-30", "", "ExDeleteTimer was given a timer that is set, with Cancel = FALSE");
  const bool was_set = stop(call, *host);
  if (wait && call.scheduler().irql() == kPassiveLevel) call.kernel().objects().dpcs.flush();
  host->mark = 0;
  pool_free(call, timer);
  const EXT_DELETE_PARAMETERS* told = parameters == nullptr ? nullptr : call.object(parameters, "Parameters");
  if (told != nullptr && told->DeleteCallback != nullptr) call.services().call("EXT_DELETE_CALLBACK", EntryKind::routine, told->DeleteCallback, told->DeleteContext);
  return was_set;
}

}  // namespace

std::vector<Row> ex_timer_rows() {
  return {
      routine<"ExAllocateTimer", kDispatchLevel, &allocate>(kModule, "nf-wdm-exallocatetimer"),
      routine<"ExSetTimer", kDispatchLevel, &set>(kModule, "nf-wdm-exsettimer", Coverage::partial, "periods are whole milliseconds"),
      routine<"ExCancelTimer", kDispatchLevel, &cancel>(kModule, "nf-wdm-excanceltimer"),
      routine<"ExDeleteTimer", kDispatchLevel, &remove>(kModule, "nf-wdm-exdeletetimer"),
  };
}

}  // namespace drydock::ddi
