// Events, waits and threads. DOC: ST-194

#include <optional>

#include "ddi/storport/bodies.h"
#include "ddi/storport/support.h"

namespace drydock::ddi {

ULONG initialize_event(Call& call, void* ext, STOR_EVENT* event, STOR_EVENT_TYPE type, BOOLEAN state) {
  STOR_EVENT* host = out(call, ext, event, "Event");
  if (host == nullptr || (type != StorNotificationEvent && type != StorSynchronizationEvent)) return kInvalidParameter;
  call.adapter(ext)->waiting().initialize_event(event, *host, type, state != FALSE);
  return kSuccess;
}

ULONG set_event(Call& call, void* ext, STOR_EVENT* event) {
  if (out(call, ext, event, "Event") == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  if (call.adapter(ext)->waiting().set_event(event)) return kSuccess;
  call.broken("ST-194", "", "StorPortSetEvent was given a STOR_EVENT that StorPortInitializeEvent never saw");
  return kInvalidParameter;
}

namespace {

// 100 ns units: negative from now on, positive since 1601, 0 not at all.
Nanoseconds time_until(Call& call, LONGLONG timeout) {
  constexpr LONGLONG kLongest = LONGLONG{1} << 53;  // 28 years
  if (timeout <= 0) return static_cast<Nanoseconds>(timeout < -kLongest ? kLongest : -timeout) * 100;
  const auto now = static_cast<LONGLONG>(call.kernel().system_time());
  return timeout <= now ? 0 : static_cast<Nanoseconds>(std::min(timeout - now, kLongest)) * 100;
}

}  // namespace

// ASSUMED: a wait that times out answers STOR_STATUS_UNSUCCESSFUL, the page's only status for "not signalled".
// waiting_test: AWaitEndsWithTheSignalOrWithTheTime
ULONG wait_for_single_object(Call& call, void* ext, void* object, BOOLEAN, LARGE_INTEGER* timeout) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || object == nullptr) return kInvalidParameter;
  std::optional<Nanoseconds> time;
  if (timeout != nullptr) {
    const LARGE_INTEGER* host = call.object(timeout, "Timeout");
    if (host == nullptr) return kInvalidParameter;
    time = time_until(call, host->QuadPart);
  }
  const bool waits = time != Nanoseconds{0};
  if (too_high(call)) return kInvalidIrql;  // the row's ceiling has told
  if (waits && call.scheduler().irql() >= kDispatchLevel) {
    call.broken("ST-194", "", fmt::format("StorPortWaitForSingleObject was called at IRQL {} with a Timeout that waits", call.scheduler().irql()));
    return kInvalidIrql;
  }
  const auto waited = adapter->waiting().wait(object, time);
  if (waited == storport::Waited::unknown) {
    call.broken("ST-194", "", "StorPortWaitForSingleObject was given an object that is no initialised event and no thread of the adapter");
    return kInvalidParameter;
  }
  return waited == storport::Waited::signalled ? kSuccess : kUnsuccessful;
}

ULONG create_system_thread(Call& call, void* ext, PSTOR_THREAD_START_ROUTINE routine, void* context, STOR_THREAD_PRIORITY* priority, void** thread) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || routine == nullptr) return kInvalidParameter;
  if (priority != nullptr && call.object(priority, "Priority") == nullptr) return kInvalidParameter;
  void* made = adapter->waiting().create_thread(routine, context, call.place());
  if (thread != nullptr) store(call, thread, made, "ThreadContext");
  return made != nullptr ? kSuccess : kUnsuccessful;
}

// Does not return to the thread it ends.
ULONG terminate_system_thread(Call& call, void* ext, void* thread) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return kInvalidParameter;
  (void)adapter->waiting().end_thread(thread);
  call.broken("ST-194", "", "StorPortTerminateSystemThread ends the thread that calls it; it was called elsewhere");
  return kInvalidParameter;
}

// Virtual threads take turns by the seed: a priority changes nothing that a driver may rely on.
ULONG set_priority_thread(Call& call, void* ext, void* thread, STOR_THREAD_PRIORITY priority) {
  storport::Adapter* adapter = call.adapter(ext);
  const bool known = adapter != nullptr && adapter->waiting().is_thread(thread);
  return known && priority >= StorThreadPriorityBackground && priority <= StorThreadPriorityRealTime ? kSuccess : kInvalidParameter;
}

}  // namespace drydock::ddi
