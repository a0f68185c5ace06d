// ntoskrnl.exe: fast and guarded mutexes, critical regions, ERESOURCE, run-down protection.

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kResourceNotOwned = 0xE3;

// --- critical and guarded regions. DOC: VER-165 ---------------------------------------------------------------------------------

void enter_critical_region(Call& call) { ++book_of(call).normal_apcs_off; }
void leave_critical_region(Call& call) {
  ThreadBook& book = book_of(call);
  if (book.normal_apcs_off == 0) return call.broken("VER-165", "0xC4/0x3E", "KeLeaveCriticalRegion was called by a thread that is in no critical region");
  --book.normal_apcs_off;
}
void enter_guarded_region(Call& call) { ++book_of(call).special_apcs_off; }
void leave_guarded_region(Call& call) {
  ThreadBook& book = book_of(call);
  if (book.special_apcs_off == 0) return call.broken("VER-165", "0xC4/0x0004000E", "KeLeaveGuardedRegion was called by a thread that is in no guarded region");
  --book.special_apcs_off;
}
BOOLEAN apcs_disabled(Call& call) { return book_of(call).normal_apcs_off != 0 || book_of(call).special_apcs_off != 0; }
BOOLEAN all_apcs_disabled(Call& call) { return book_of(call).special_apcs_off != 0 || call.scheduler().irql() >= kApcLevel; }

// --- fast and guarded mutexes. DOC: VER-163 --------------------------------------------------------------------------------------
// Count is 1 when the mutex is free, and goes down by one with its owner and with each who waits.

FAST_MUTEX* mutex_object(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = call.object(mutex, "FastMutex");
  if (host == nullptr || event_object(call, &mutex->Event, "the fast mutex") == nullptr) return nullptr;
  return host;
}

void initialize_mutex(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = call.object(mutex, "Mutex");
  if (host == nullptr) return;
  *host = {};
  host->Count = 1;
  Dispatcher::initialize(host->Event.Header, reinterpret_cast<std::uint64_t>(&mutex->Event), DispatcherKind::synchronization_event, sizeof host->Event, 0);
}

bool try_to_own(Call& call, FAST_MUTEX& mutex) {
  if (mutex.Count != 1) return false;
  mutex.Count = 0;
  mutex.Owner = reinterpret_cast<void*>(current_thread_object(call));
  return true;
}

void own(Call& call, FAST_MUTEX& mutex) {
  if (try_to_own(call, mutex)) return;
  void* self = reinterpret_cast<void*>(current_thread_object(call));
  if (mutex.Owner == self && self != nullptr) end_hopeless_wait(call, "the mutex that its own thread has acquired already");
  ++mutex.Contention;
  --mutex.Count;
  DISPATCHER_HEADER* const event = &mutex.Event.Header;
  const Waited waited = call.kernel().objects().dispatcher.wait({&event, 1}, false, std::nullopt, is_urgent(call), {call.name(), call.place()});
  if (waited.end == WaitEnd::hopeless) end_hopeless_wait(call, "a mutex that its owner does not release");
  mutex.Owner = self;
}

bool disown(Call& call, FAST_MUTEX& mutex) {
  if (mutex.Count == 1 || mutex.Owner != reinterpret_cast<void*>(current_thread_object(call))) {
    call.broken("VER-163", "0xC4/0x1007", fmt::format("{}: the mutex is not owned by this thread", call.name()));
    return false;
  }
  mutex.Owner = nullptr;
  if (mutex.Count++ < 0) call.kernel().objects().dispatcher.set_event(mutex.Event);
  return true;
}

/// A wait may begin here; too high the row's ceiling has told.
bool may_wait(Call& call) { return call.scheduler().irql() <= kApcLevel && call.scheduler().thread() != nullptr; }

void acquire_fast(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host == nullptr) return;
  if (!may_wait(call)) check_may_wait(call);
  const Irql old = call.scheduler().irql();
  own(call, *host);
  host->OldIrql = old;
  call.scheduler().raise_irql(kApcLevel);
}
BOOLEAN try_to_acquire_fast(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host == nullptr || !try_to_own(call, *host)) return FALSE;
  host->OldIrql = call.scheduler().raise_irql(kApcLevel);
  return TRUE;
}
void release_fast(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host == nullptr) return;
  if (call.scheduler().irql() != kApcLevel)
    call.broken("VER-163", "0xC4/0x34", fmt::format("ExReleaseFastMutex was called at IRQL {}; it must be APC_LEVEL", call.scheduler().irql()));
  const auto old = static_cast<Irql>(host->OldIrql);
  if (disown(call, *host)) call.scheduler().lower_irql(old);
}

void check_apcs(Call& call, std::string_view code) {
  if (!book_of(call).apcs_disabled(call.scheduler().irql()))
    call.broken("VER-163", code, fmt::format("{} was called at IRQL {} outside any critical or guarded region: APCs must be disabled", call.name(), call.scheduler().irql()));
}
void acquire_unsafe(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host == nullptr) return;
  check_apcs(call, "0xC4/0x39");
  if (!may_wait(call)) check_may_wait(call);
  own(call, *host);
}
void release_unsafe(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host == nullptr) return;
  check_apcs(call, "0xC4/0x3A");
  disown(call, *host);
}

void acquire_guarded(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host == nullptr) return;
  if (!may_wait(call)) check_may_wait(call);
  own(call, *host);
  ++book_of(call).special_apcs_off;
}
BOOLEAN try_to_acquire_guarded(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host == nullptr || !try_to_own(call, *host)) return FALSE;
  ++book_of(call).special_apcs_off;
  return TRUE;
}
void release_guarded(Call& call, FAST_MUTEX* mutex) {
  FAST_MUTEX* host = mutex_object(call, mutex);
  if (host != nullptr && disown(call, *host)) --book_of(call).special_apcs_off;
}

// --- ERESOURCE. DOC: VER-164 VER-167 VER-168 ------------------------------------------------------------------------------------

Resources& resources_of(Call& call) { return call.kernel().objects().resources; }

NTSTATUS initialize_resource(Call& call, ERESOURCE* resource) {
  ERESOURCE* host = call.object(resource, "Resource");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  const CodePlace where = call.place();
  if (!resources_of(call).initialize(*host, reinterpret_cast<std::uint64_t>(resource), {where.rip, 0, 0, where.is_return_address}))
    call.broken("VER-168", "0xC4/0xD0", "ExInitializeResourceLite was given an ERESOURCE that is initialised already");
  return STATUS_SUCCESS;
}

/// Null after a finding.
ERESOURCE* resource_object(Call& call, ERESOURCE* resource, std::string_view rule, std::string_view code) {
  ERESOURCE* host = call.object(resource, "Resource");
  if (host == nullptr || resources_of(call).known(*host)) return host;
  call.broken(rule, code, fmt::format("{} was given an ERESOURCE that was never initialised", call.name()));
  return nullptr;
}
ERESOURCE* resource_object(Call& call, ERESOURCE* resource) { return resource_object(call, resource, "VER-167", "0xC4/0x1002"); }

NTSTATUS delete_resource(Call& call, ERESOURCE* resource) {
  ERESOURCE* host = resource_object(call, resource, "VER-168", "0xC4/0xD1");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  if (resources_of(call).owned(*host)) call.broken("VER-168", "0xC4/0x100B", "ExDeleteResourceLite was given an ERESOURCE that a thread still owns");
  resources_of(call).forget(*host);
  return STATUS_SUCCESS;
}
NTSTATUS reinitialize_resource(Call& call, ERESOURCE* resource) {
  ERESOURCE* host = resource_object(call, resource, "VER-168", "0xC4/0xD1");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  if (resources_of(call).owned(*host)) call.broken("VER-168", "", "ExReinitializeResourceLite was given an ERESOURCE that a thread still owns");
  resources_of(call).forget(*host);
  return initialize_resource(call, resource);
}

// DOC: VER-103 WithinCriticalRegion.
void check_region(Call& call, std::string_view code) {
  if (!book_of(call).apcs_disabled(call.scheduler().irql()))
    call.broken("VER-164", code, fmt::format("{} was called while normal kernel APCs are enabled: call KeEnterCriticalRegion first", call.name()));
}

BOOLEAN acquire(Call& call, ERESOURCE* resource, ResourceMode mode, BOOLEAN wait) {
  ERESOURCE* host = resource_object(call, resource);
  if (host == nullptr) return FALSE;
  check_region(call, "0xC4/0x37");
  if (wait && !may_wait(call)) check_may_wait(call);
  switch (resources_of(call).acquire(*host, current_thread_object(call), mode, wait != FALSE, is_urgent(call), {call.name(), call.place()})) {
    case Acquisition::acquired: return TRUE;
    case Acquisition::refused: return FALSE;
    case Acquisition::waits_for_itself:
      call.broken("VER-167", "0xC4/0x1000", fmt::format("{}: this thread owns the ERESOURCE shared and waits for itself", call.name()));
      end_hopeless_wait(call, "the ERESOURCE that its own thread has acquired already");
    default: end_hopeless_wait(call, "an ERESOURCE that its owner does not release");
  }
}
BOOLEAN acquire_exclusive(Call& call, ERESOURCE* resource, BOOLEAN wait) { return acquire(call, resource, ResourceMode::exclusive, wait); }
BOOLEAN acquire_shared(Call& call, ERESOURCE* resource, BOOLEAN wait) { return acquire(call, resource, ResourceMode::shared, wait); }
BOOLEAN acquire_starve(Call& call, ERESOURCE* resource, BOOLEAN wait) { return acquire(call, resource, ResourceMode::shared_starve_exclusive, wait); }
BOOLEAN acquire_behind(Call& call, ERESOURCE* resource, BOOLEAN wait) { return acquire(call, resource, ResourceMode::shared_wait_for_exclusive, wait); }

/// An owner pointer has its low two bits set; it is no thread's.
bool is_thread_id(std::uint64_t owner) { return (owner & 3) == 0; }

void release_for(Call& call, ERESOURCE* resource, std::uint64_t owner) {
  ERESOURCE* host = resource_object(call, resource);
  if (host == nullptr) return;
  if (is_thread_id(owner)) check_region(call, "0xC4/0x38");
  if (resources_of(call).release(*host, owner)) return;
  call.broken("VER-167", resources_of(call).owned(*host) ? "0xC4/0x1004" : "0xC4/0x1007", fmt::format("{}: the ERESOURCE is not owned by this thread", call.name()));
  call.kernel().bug_check(kResourceNotOwned, {reinterpret_cast<std::uint64_t>(resource), owner, 0, 0}, call.place(),
                          fmt::format("{}: RESOURCE_NOT_OWNED", call.name()));
}
void release_resource(Call& call, ERESOURCE* resource) { release_for(call, resource, current_thread_object(call)); }
void release_for_thread(Call& call, ERESOURCE* resource, ULONG_PTR thread) { release_for(call, resource, thread); }
void set_owner(Call& call, ERESOURCE* resource, void* owner) {
  ERESOURCE* host = resource_object(call, resource);
  if (host == nullptr) return;
  const auto pointer = reinterpret_cast<std::uint64_t>(owner);
  if ((pointer & 3) != 3 || !resources_of(call).hand_over(*host, current_thread_object(call), pointer))
    call.broken("VER-167", "", "ExSetResourceOwnerPointer needs a resource that this thread owns, and an owner pointer whose low two bits are set");
}
void convert_to_shared(Call& call, ERESOURCE* resource) {
  ERESOURCE* host = resource_object(call, resource);
  if (host == nullptr) return;
  if (!resources_of(call).owns_exclusively(*host, current_thread_object(call)))
    return call.broken("VER-167", "", "ExConvertExclusiveToSharedLite was given an ERESOURCE that this thread does not own exclusively");
  resources_of(call).share(*host);
}
BOOLEAN owned_exclusively(Call& call, ERESOURCE* resource) {
  const ERESOURCE* host = resource_object(call, resource);
  return host != nullptr && resources_of(call).owns_exclusively(*host, current_thread_object(call));
}
ULONG owned_count(Call& call, ERESOURCE* resource) {
  const ERESOURCE* host = resource_object(call, resource);
  return host == nullptr ? 0 : resources_of(call).count_of(*host, current_thread_object(call));
}
ULONG exclusive_waiters(Call& call, ERESOURCE* resource) {
  const ERESOURCE* host = resource_object(call, resource);
  return host == nullptr ? 0 : host->NumberOfExclusiveWaiters;
}
ULONG shared_waiters(Call& call, ERESOURCE* resource) {
  const ERESOURCE* host = resource_object(call, resource);
  return host == nullptr ? 0 : host->NumberOfSharedWaiters;
}
void* enter_and_acquire_exclusive(Call& call, ERESOURCE* resource) {
  enter_critical_region(call);
  acquire_exclusive(call, resource, TRUE);
  return nullptr;
}
void* enter_and_acquire_shared(Call& call, ERESOURCE* resource) {
  enter_critical_region(call);
  acquire_shared(call, resource, TRUE);
  return nullptr;
}
void release_and_leave(Call& call, ERESOURCE* resource) {
  release_resource(call, resource);
  leave_critical_region(call);
}

// --- run-down protection ------------------------------------------------------------------------------------------------------
// Count holds twice the number of those inside; bit 0 says that the end has begun, and the rest is then the address of the
// event on which the one who waits is waiting.

struct Ending {
  ULONG_PTR inside;
  KEVENT gone;
};

EX_RUNDOWN_REF* rundown_object(Call& call, EX_RUNDOWN_REF* reference) { return call.object(reference, "RunRef"); }
bool has_ended(const EX_RUNDOWN_REF& reference) { return (reference.Count & 1) != 0; }
Ending* ending_of(const EX_RUNDOWN_REF& reference) { return reinterpret_cast<Ending*>(reference.Count & ~ULONG_PTR{1}); }

void set_rundown(Call& call, EX_RUNDOWN_REF* reference) {
  if (EX_RUNDOWN_REF* host = rundown_object(call, reference)) host->Count = 0;
}
BOOLEAN enter_rundown_times(Call& call, EX_RUNDOWN_REF* reference, ULONG count) {
  EX_RUNDOWN_REF* host = rundown_object(call, reference);
  if (host == nullptr || has_ended(*host)) return FALSE;
  host->Count = host->Count + 2 * ULONG_PTR{count};
  return TRUE;
}
BOOLEAN enter_rundown(Call& call, EX_RUNDOWN_REF* reference) { return enter_rundown_times(call, reference, 1); }

void leave_rundown_times(Call& call, EX_RUNDOWN_REF* reference, ULONG count) {
  EX_RUNDOWN_REF* host = rundown_object(call, reference);
  if (host == nullptr) return;
  Ending* ending = has_ended(*host) ? ending_of(*host) : nullptr;
  const ULONG_PTR inside = ending != nullptr ? ending->inside : has_ended(*host) ? 0 : host->Count / 2;
  if (inside < count) return call.broken("DRY-30", "", fmt::format("{}: run-down protection is released more often than it was acquired", call.name()));
  if (ending == nullptr) host->Count = host->Count - 2 * ULONG_PTR{count};
  else if ((ending->inside -= count) == 0) call.kernel().objects().dispatcher.set_event(ending->gone);
}
void leave_rundown(Call& call, EX_RUNDOWN_REF* reference) { leave_rundown_times(call, reference, 1); }
void complete_rundown(Call& call, EX_RUNDOWN_REF* reference) {
  if (EX_RUNDOWN_REF* host = rundown_object(call, reference)) host->Count = 1;
}

void await_rundown(Call& call, EX_RUNDOWN_REF* reference) {
  EX_RUNDOWN_REF* host = rundown_object(call, reference);
  if (host == nullptr || has_ended(*host)) return;
  Ending ending{host->Count / 2, {}};
  if (ending.inside != 0) {
    Dispatcher::initialize(ending.gone.Header, reinterpret_cast<std::uint64_t>(&ending.gone), DispatcherKind::notification_event, sizeof ending.gone, 0);
    host->Count = reinterpret_cast<ULONG_PTR>(&ending) | 1;
    if (!may_wait(call)) check_may_wait(call);
    DISPATCHER_HEADER* const gone = &ending.gone.Header;
    const Waited waited = call.kernel().objects().dispatcher.wait({&gone, 1}, false, std::nullopt, is_urgent(call), {call.name(), call.place()});
    if (waited.end == WaitEnd::hopeless) end_hopeless_wait(call, "run-down protection that is not released");
  }
  host->Count = 1;
}

}  // namespace

std::vector<Row> ke_lock_rows() {
  return {
      routine<"KeEnterCriticalRegion", kApcLevel, &enter_critical_region>(kModule, "nf-wdm-keentercriticalregion"),
      routine<"KeLeaveCriticalRegion", kApcLevel, &leave_critical_region>(kModule, "nf-wdm-keleavecriticalregion"),
      routine<"KeEnterGuardedRegion", kApcLevel, &enter_guarded_region>(kModule, "nf-wdm-keenterguardedregion"),
      routine<"KeLeaveGuardedRegion", kApcLevel, &leave_guarded_region>(kModule, "nf-wdm-keleaveguardedregion"),
      routine<"KeAreApcsDisabled", kDispatchLevel, &apcs_disabled>(kModule, "nf-wdm-keareapcsdisabled"),
      routine<"KeAreAllApcsDisabled", kDispatchLevel, &all_apcs_disabled>(kModule, "nf-wdm-keareallapcsdisabled"),
      routine<"ExAcquireFastMutex", kApcLevel, &acquire_fast>(kModule, "nf-wdm-exacquirefastmutex"),
      routine<"ExTryToAcquireFastMutex", kApcLevel, &try_to_acquire_fast>(kModule, "nf-wdm-extrytoacquirefastmutex"),
      routine<"ExReleaseFastMutex", kApcLevel, &release_fast>(kModule, "nf-wdm-exreleasefastmutex"),
      routine<"ExAcquireFastMutexUnsafe", kApcLevel, &acquire_unsafe>(kModule, "nf-wdm-exacquirefastmutexunsafe"),
      routine<"ExReleaseFastMutexUnsafe", kApcLevel, &release_unsafe>(kModule, "nf-wdm-exreleasefastmutexunsafe"),
      routine<"KeInitializeGuardedMutex", kApcLevel, &initialize_mutex>(kModule, "nf-wdm-keinitializeguardedmutex"),
      routine<"KeAcquireGuardedMutex", kApcLevel, &acquire_guarded>(kModule, "nf-wdm-keacquireguardedmutex"),
      routine<"KeTryToAcquireGuardedMutex", kApcLevel, &try_to_acquire_guarded>(kModule, "nf-wdm-ketrytoacquireguardedmutex"),
      routine<"KeReleaseGuardedMutex", kApcLevel, &release_guarded>(kModule, "nf-wdm-kereleaseguardedmutex"),
      routine<"KeAcquireGuardedMutexUnsafe", kApcLevel, &acquire_unsafe>(kModule, "nf-wdm-keacquireguardedmutexunsafe"),
      routine<"KeReleaseGuardedMutexUnsafe", kApcLevel, &release_unsafe>(kModule, "nf-wdm-kereleaseguardedmutexunsafe"),
      routine<"ExInitializeResourceLite", kDispatchLevel, &initialize_resource>(kModule, "nf-wdm-exinitializeresourcelite"),
      routine<"ExReinitializeResourceLite", kDispatchLevel, &reinitialize_resource>(kModule, "nf-wdm-exreinitializeresourcelite"),
      routine<"ExDeleteResourceLite", kApcLevel, &delete_resource>(kModule, "nf-wdm-exdeleteresourcelite"),
      routine<"ExAcquireResourceExclusiveLite", kApcLevel, &acquire_exclusive>(kModule, "nf-wdm-exacquireresourceexclusivelite"),
      routine<"ExAcquireResourceSharedLite", kApcLevel, &acquire_shared>(kModule, "nf-wdm-exacquireresourcesharedlite"),
      routine<"ExAcquireSharedStarveExclusive", kApcLevel, &acquire_starve>(kModule, "nf-wdm-exacquiresharedstarveexclusive"),
      routine<"ExAcquireSharedWaitForExclusive", kApcLevel, &acquire_behind>(kModule, "nf-wdm-exacquiresharedwaitforexclusive"),
      routine<"ExReleaseResourceLite", kDispatchLevel, &release_resource>(kModule, "nf-wdm-exreleaseresourcelite"),
      routine<"ExReleaseResourceForThreadLite", kDispatchLevel, &release_for_thread>(kModule, "nf-wdm-exreleaseresourceforthreadlite"),
      routine<"ExSetResourceOwnerPointer", kDispatchLevel, &set_owner>(kModule, "nf-wdm-exsetresourceownerpointer"),
      routine<"ExConvertExclusiveToSharedLite", kApcLevel, &convert_to_shared>(kModule, "nf-wdm-exconvertexclusivetosharedlite"),
      routine<"ExIsResourceAcquiredExclusiveLite", kDispatchLevel, &owned_exclusively>(kModule, "nf-wdm-exisresourceacquiredexclusivelite"),
      routine<"ExIsResourceAcquiredSharedLite", kDispatchLevel, &owned_count>(kModule, "nf-wdm-exisresourceacquiredsharedlite"),
      routine<"ExGetExclusiveWaiterCount", kDispatchLevel, &exclusive_waiters>(kModule, "nf-wdm-exgetexclusivewaitercount"),
      routine<"ExGetSharedWaiterCount", kDispatchLevel, &shared_waiters>(kModule, "nf-wdm-exgetsharedwaitercount"),
      routine<"ExEnterCriticalRegionAndAcquireResourceExclusive", kApcLevel, &enter_and_acquire_exclusive>(kModule, "nf-wdm-exentercriticalregionandacquireresourceexclusive"),
      routine<"ExEnterCriticalRegionAndAcquireResourceShared", kApcLevel, &enter_and_acquire_shared>(kModule, "nf-wdm-exentercriticalregionandacquireresourceexclusive"),
      routine<"ExReleaseResourceAndLeaveCriticalRegion", kApcLevel, &release_and_leave>(kModule, "nf-wdm-exreleaseresourceandleavecriticalregion"),
      routine<"ExInitializeRundownProtection", kApcLevel, &set_rundown>(kModule, "nf-wdm-exinitializerundownprotection"),
      routine<"ExReInitializeRundownProtection", kApcLevel, &set_rundown>(kModule, "nf-wdm-exreinitializerundownprotection"),
      routine<"ExAcquireRundownProtection", kDispatchLevel, &enter_rundown>(kModule, "nf-wdm-exacquirerundownprotection"),
      routine<"ExAcquireRundownProtectionEx", kDispatchLevel, &enter_rundown_times>(kModule, "nf-wdm-exacquirerundownprotectionex"),
      routine<"ExReleaseRundownProtection", kDispatchLevel, &leave_rundown>(kModule, "nf-wdm-exreleaserundownprotection"),
      routine<"ExReleaseRundownProtectionEx", kDispatchLevel, &leave_rundown_times>(kModule, "nf-wdm-exreleaserundownprotectionex"),
      routine<"ExRundownCompleted", kApcLevel, &complete_rundown>(kModule, "nf-wdm-exrundowncompleted"),
      routine<"ExWaitForRundownProtectionRelease", kApcLevel, &await_rundown>(kModule, "nf-wdm-exwaitforrundownprotectionrelease"),
  };
}

}  // namespace drydock::ddi
