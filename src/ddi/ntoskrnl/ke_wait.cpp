// ntoskrnl.exe: Ke…: events, semaphores, mutexes, and waiting for them.

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kMaximumWaitObjectsExceeded = 0xC, kSwitchFromDpc = 0xB8, kWatchdog = 0x133;

Dispatcher& dispatcher_of(Call& call) { return call.kernel().objects().dispatcher; }

bool is_semaphore(DispatcherKind kind) { return kind == DispatcherKind::semaphore; }
bool is_mutex(DispatcherKind kind) { return kind == DispatcherKind::mutex; }
bool is_any(DispatcherKind kind) { return kind <= DispatcherKind::synchronization_timer; }

template <class T>
void initialize(Call& call, T& host, T* address, DispatcherKind kind, LONG state) {
  if (dispatcher_of(call).awaited(&host, sizeof host))
    call.broken("DRY-30", "", fmt::format("{}: a thread waits for the object that is initialised here", call.name()));
  Dispatcher::initialize(reinterpret_cast<DISPATCHER_HEADER&>(host), reinterpret_cast<std::uint64_t>(address), kind, sizeof host, state);
}

// --- events -------------------------------------------------------------------------------------------------------------

void initialize_event(Call& call, KEVENT* event, EVENT_TYPE type, BOOLEAN state) {
  KEVENT* host = call.object(event, "Event");
  if (host != nullptr) initialize(call, *host, event, type == NotificationEvent ? DispatcherKind::notification_event : DispatcherKind::synchronization_event, state != FALSE);
}

LONG set_event(Call& call, KEVENT* event, KPRIORITY, BOOLEAN wait) {
  KEVENT* host = event_object(call, event);
  if (host == nullptr) return 0;
  announce_wait(call, wait != FALSE);
  return dispatcher_of(call).set_event(*host);
}
LONG pulse_event(Call& call, KEVENT* event, KPRIORITY, BOOLEAN wait) {
  KEVENT* host = event_object(call, event);
  if (host == nullptr) return 0;
  announce_wait(call, wait != FALSE);
  return dispatcher_of(call).pulse_event(*host);
}
LONG reset_event(Call& call, KEVENT* event) {
  KEVENT* host = event_object(call, event);
  return host == nullptr ? 0 : std::exchange(host->Header.SignalState, 0);
}
void clear_event(Call& call, KEVENT* event) { reset_event(call, event); }
LONG read_event(Call& call, KEVENT* event) {
  const KEVENT* host = event_object(call, event);
  return host == nullptr ? 0 : host->Header.SignalState;
}

// --- semaphores -----------------------------------------------------------------------------------------------------------

void initialize_semaphore(Call& call, KSEMAPHORE* semaphore, LONG count, LONG limit) {
  KSEMAPHORE* host = call.object(semaphore, "Semaphore");
  if (host == nullptr) return;
  if (count < 0 || limit <= 0 || count > limit)
    call.broken("DRY-30", "", fmt::format("KeInitializeSemaphore was given a count of {} and a limit of {}", count, limit));
  initialize(call, *host, semaphore, DispatcherKind::semaphore, count);
  host->Limit = limit;
}

Raising<LONG> release_semaphore(Call& call, KSEMAPHORE* semaphore, KPRIORITY, LONG adjustment, BOOLEAN wait) {
  KSEMAPHORE* host = dispatcher_object(call, semaphore, "Semaphore", &is_semaphore);
  if (host == nullptr) return 0;
  const LONG old = host->Header.SignalState;
  if (adjustment <= 0 || adjustment > host->Limit - old) return raise(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  announce_wait(call, wait != FALSE);
  host->Header.SignalState = old + adjustment;
  dispatcher_of(call).signalled(host->Header);
  return old;
}
LONG read_semaphore(Call& call, KSEMAPHORE* semaphore) {
  const KSEMAPHORE* host = dispatcher_object(call, semaphore, "Semaphore", &is_semaphore);
  return host == nullptr ? 0 : host->Header.SignalState;
}

// --- mutexes --------------------------------------------------------------------------------------------------------------

void initialize_mutex(Call& call, KMUTEX* mutex, ULONG) {
  KMUTEX* host = call.object(mutex, "Mutex");
  if (host == nullptr) return;
  initialize(call, *host, mutex, DispatcherKind::mutex, 1);
  host->MutantListEntry = {};
  host->OwnerThread = nullptr;
  host->Abandoned = FALSE;
  host->ApcDisable = 1;
}

// What was acquired at DISPATCH_LEVEL must be released there; ApcDisable holds 3 then.
constexpr UCHAR kAcquiredAtDispatch = 3;

bool may_release(Call& call, const KMUTEX& mutex) {
  const bool mine = mutex.OwnerThread == reinterpret_cast<struct _KTHREAD*>(current_thread_object(call));
  return mine && mutex.OwnerThread != nullptr && (mutex.ApcDisable == kAcquiredAtDispatch) == (call.scheduler().irql() >= kDispatchLevel);
}

Raising<LONG> release_mutex(Call& call, KMUTEX* mutex, BOOLEAN wait) {
  KMUTEX* host = dispatcher_object(call, mutex, "Mutex", &is_mutex);
  if (host == nullptr) return 0;
  if (!may_release(call, *host)) return raise(STATUS_MUTANT_NOT_OWNED);
  ThreadBook& book = book_of(call);
  announce_wait(call, wait != FALSE);
  const LONG old = dispatcher_of(call).release_mutex(*host);
  if (old != 0) return old;
  --book.normal_apcs_off;
  std::erase(book.mutexes, host);
  return old;
}
LONG read_mutex(Call& call, KMUTEX* mutex) {
  const KMUTEX* host = dispatcher_object(call, mutex, "Mutex", &is_mutex);
  return host == nullptr ? 0 : host->Header.SignalState;
}

// --- waits ----------------------------------------------------------------------------------------------------------------

using Objects = std::array<DISPATCHER_HEADER*, MAXIMUM_WAIT_OBJECTS>;

/// An acquisition of a mutex keeps normal kernel APCs away.
void note_mutex(Call& call, DISPATCHER_HEADER& header) {
  if (!is_mutex(Dispatcher::kind_of(header)) || header.SignalState != 0) return;
  auto& mutex = reinterpret_cast<KMUTEX&>(header);
  mutex.ApcDisable = call.scheduler().irql() >= kDispatchLevel ? kAcquiredAtDispatch : 1;
  ThreadBook& book = book_of(call);
  ++book.normal_apcs_off;
  book.mutexes.push_back(&mutex);
}

bool is_exhausted(Call& call, const DISPATCHER_HEADER& header) {
  return is_mutex(Dispatcher::kind_of(header)) && header.SignalState == std::numeric_limits<LONG>::min() &&
         reinterpret_cast<const KMUTEX&>(header).OwnerThread == reinterpret_cast<struct _KTHREAD*>(current_thread_object(call));
}

/// none: the driver gave no timeout. False: it points nowhere.
bool read_timeout(Call& call, LARGE_INTEGER* timeout, std::optional<Nanoseconds>& time) {
  if (timeout == nullptr) return true;
  const LARGE_INTEGER* host = call.object<const LARGE_INTEGER>(timeout, "Timeout");
  if (host != nullptr) time = time_until(host->QuadPart, call.kernel().system_time());
  return host != nullptr;
}

/// The wait after a signal with Wait = TRUE gives the IRQL back.
void end_announcement(Call& call) {
  if (const auto irql = std::exchange(book_of(call).irql_before_wait, std::nullopt)) call.scheduler().lower_irql(*irql);
}

Raising<NTSTATUS> wait_for(Call& call, std::span<DISPATCHER_HEADER* const> objects, bool all, LARGE_INTEGER* timeout) {
  std::optional<Nanoseconds> time;
  end_announcement(call);
  if (!read_timeout(call, timeout, time)) return STATUS_INVALID_PARAMETER;
  if (time != Nanoseconds{0}) check_may_wait(call);
  if (std::any_of(objects.begin(), objects.end(), [&](const DISPATCHER_HEADER* header) { return is_exhausted(call, *header); }))
    return raise(STATUS_MUTANT_LIMIT_EXCEEDED);
  const Waited waited = dispatcher_of(call).wait(objects, all, time, is_urgent(call), {call.name(), call.place()});
  if (waited.end == WaitEnd::hopeless) end_hopeless_wait(call, "an object that nothing signals");
  if (waited.end == WaitEnd::timed_out) return STATUS_TIMEOUT;
  if (!all) note_mutex(call, *objects[waited.index]);
  else
    for (DISPATCHER_HEADER* header : objects) note_mutex(call, *header);
  return STATUS_WAIT_0 + static_cast<NTSTATUS>(waited.index);
}

Raising<NTSTATUS> wait_for_single_object(Call& call, void* object, KWAIT_REASON, CCHAR, BOOLEAN, LARGE_INTEGER* timeout) {
  DISPATCHER_HEADER* const host = dispatcher_object(call, static_cast<DISPATCHER_HEADER*>(object), "Object", &is_any);
  return host == nullptr ? STATUS_INVALID_PARAMETER : wait_for(call, {&host, 1}, false, timeout);
}

// DOC: VER-160 the number of objects is limited, and so is the number of wait blocks that a thread has.
void check_wait_blocks(Call& call, ULONG count, KWAIT_BLOCK* blocks) {
  if (count > MAXIMUM_WAIT_OBJECTS || (count > THREAD_WAIT_OBJECTS && blocks == nullptr))
    call.kernel().bug_check(kMaximumWaitObjectsExceeded, {}, call.place(),
                            fmt::format("KeWaitForMultipleObjects was given {} objects and {}: at most {} with a WaitBlockArray, {} without", count,
                                        blocks == nullptr ? "no WaitBlockArray" : "a WaitBlockArray", MAXIMUM_WAIT_OBJECTS, THREAD_WAIT_OBJECTS));
  if (blocks != nullptr) (void)call.range(blocks, count * sizeof(KWAIT_BLOCK), true, "WaitBlockArray");
}

Raising<NTSTATUS> wait_for_multiple_objects(Call& call, ULONG count, void** objects, WAIT_TYPE type, KWAIT_REASON, CCHAR, BOOLEAN, LARGE_INTEGER* timeout,
                                            KWAIT_BLOCK* blocks) {
  check_wait_blocks(call, count, blocks);
  void** given = reinterpret_cast<void**>(call.range(objects, count * sizeof(void*), false, "Object"));
  if (given == nullptr || count == 0) return STATUS_INVALID_PARAMETER;
  Objects hosts{};
  for (ULONG i = 0; i < count; ++i) {
    hosts[i] = dispatcher_object(call, static_cast<DISPATCHER_HEADER*>(given[i]), "Object", &is_any);
    if (hosts[i] == nullptr) return STATUS_INVALID_PARAMETER;
  }
  return wait_for(call, {hosts.data(), count}, type == WaitAll, timeout);
}

[[noreturn]] void end_at_dispatch(Call& call) {
  call.kernel().bug_check(kSwitchFromDpc, {}, call.place(), fmt::format("{} would wait at IRQL {}", call.name(), call.scheduler().irql()));
  __builtin_unreachable();
}

NTSTATUS delay_execution_thread(Call& call, UCHAR, BOOLEAN, LARGE_INTEGER* interval) {
  const LARGE_INTEGER* host = call.object<const LARGE_INTEGER>(interval, "Interval");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  if (call.scheduler().irql() >= kDispatchLevel || call.scheduler().thread() == nullptr) end_at_dispatch(call);  // the row's ceiling has told
  call.scheduler().sleep(time_until(host->QuadPart, call.kernel().system_time()));
  return STATUS_SUCCESS;
}

}  // namespace

KEVENT* event_object(Call& call, KEVENT* address, const char* what) { return dispatcher_object(call, address, what, &is_event); }

void end_hopeless_wait(Call& call, const std::string& what) {
  call.kernel().bug_check(kWatchdog, {}, call.place(), fmt::format("{} does not return: it waits for {}", call.name(), what));
  __builtin_unreachable();
}

void check_may_wait(Call& call) {
  const Irql irql = call.scheduler().irql();
  if (irql < kDispatchLevel && call.scheduler().thread() != nullptr) return;
  call.broken("VER-160", "0xC4/0x3B", fmt::format("{} was called at IRQL {} with a time that waits", call.name(), irql));
  end_at_dispatch(call);
}

void announce_wait(Call& call, bool wait) {
  if (!wait) return;
  if (call.scheduler().irql() > kApcLevel)
    return call.broken("VER-160", "", fmt::format("{} was called at IRQL {} with Wait = TRUE; its highest is 1 then", call.name(), call.scheduler().irql()));
  book_of(call).irql_before_wait = call.scheduler().raise_irql(kDispatchLevel);
}

std::vector<Row> ke_wait_rows() {
  const char* no_apcs = "alerts and APCs never come";
  return {
      routine<"KeInitializeEvent", kAnyIrql, &initialize_event>(kModule, "nf-wdm-keinitializeevent"),
      routine<"KeSetEvent", kDispatchLevel, &set_event>(kModule, "nf-wdm-kesetevent"),
      routine<"KePulseEvent", kDispatchLevel, &pulse_event>(kModule, "nf-ntddk-kepulseevent"),
      routine<"KeResetEvent", kDispatchLevel, &reset_event>(kModule, "nf-wdm-keresetevent"),
      routine<"KeClearEvent", kDispatchLevel, &clear_event>(kModule, "nf-wdm-keclearevent"),
      routine<"KeReadStateEvent", kDispatchLevel, &read_event>(kModule, "nf-wdm-kereadstateevent"),
      routine<"KeInitializeSemaphore", kAnyIrql, &initialize_semaphore>(kModule, "nf-wdm-keinitializesemaphore"),
      raising_routine<"KeReleaseSemaphore", kDispatchLevel, &release_semaphore>(kModule, "nf-wdm-kereleasesemaphore"),
      routine<"KeReadStateSemaphore", kAnyIrql, &read_semaphore>(kModule, "nf-wdm-kereadstatesemaphore"),
      routine<"KeInitializeMutex", kAnyIrql, &initialize_mutex>(kModule, "nf-wdm-keinitializemutex"),
      raising_routine<"KeReleaseMutex", kDispatchLevel, &release_mutex>(kModule, "nf-wdm-kereleasemutex"),
      routine<"KeReadStateMutex", kDispatchLevel, &read_mutex>(kModule, "nf-wdm-kereadstatemutex"),
      raising_routine<"KeWaitForSingleObject", kDispatchLevel, &wait_for_single_object>(kModule, "nf-wdm-kewaitforsingleobject", Coverage::full, no_apcs),
      raising_routine<"KeWaitForMutexObject", kDispatchLevel, &wait_for_single_object>(kModule, "nf-wdm-kewaitforsingleobject", Coverage::full, no_apcs),
      raising_routine<"KeWaitForMultipleObjects", kDispatchLevel, &wait_for_multiple_objects>(kModule, "nf-wdm-kewaitformultipleobjects", Coverage::full, no_apcs),
      routine<"KeDelayExecutionThread", kApcLevel, &delay_execution_thread>(kModule, "nf-wdm-kedelayexecutionthread", Coverage::full, no_apcs),
  };
}

}  // namespace drydock::ddi
