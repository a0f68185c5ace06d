// ntoskrnl.exe: spin locks of all kinds. DOC: VER-84 VER-87 VER-91 VER-172

#include <algorithm>

#include "ddi/modules.h"
#include "ddi/spin_word.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

Irql irql_of(Call& call) { return call.scheduler().irql(); }

// DOC: VER-84
void check_exactly_at_dispatch(Call& call, std::string_view code) {
  if (irql_of(call) != kDispatchLevel) call.broken("VER-84", code, fmt::format("{} was called at IRQL {}; it must be DISPATCH_LEVEL", call.name(), irql_of(call)));
}
// Where a page says DISPATCH_LEVEL or above.
void check_at_dispatch(Call& call, std::string_view code) {
  if (irql_of(call) < kDispatchLevel) call.broken("VER-172", code, fmt::format("{} was called at IRQL {}; it must be DISPATCH_LEVEL", call.name(), irql_of(call)));
}
// DOC: VER-87
void check_release(Call& call, std::string_view code) {
  if (irql_of(call) != kDispatchLevel) call.broken("VER-172", code, fmt::format("{} was called at IRQL {}; it must be DISPATCH_LEVEL", call.name(), irql_of(call)));
}

// --- plain spin locks ---------------------------------------------------------------------------------------------------------------

void initialize(Call& call, ULONG_PTR* lock) {
  if (ULONG_PTR* host = call.object(lock, "SpinLock")) *host = 0;
}
UCHAR acquire(Call& call, ULONG_PTR* lock) {
  const Irql old = call.scheduler().raise_irql(std::max(kDispatchLevel, irql_of(call)));
  if (ULONG_PTR* host = call.object(lock, "SpinLock")) acquire_word(call, *host);
  return old;
}
void release(Call& call, ULONG_PTR* lock, UCHAR irql) {
  check_release(call, "0xC4/0x32");
  if (ULONG_PTR* host = call.object(lock, "SpinLock")) release_word(call, *host);
  call.scheduler().lower_irql(irql);
}
void acquire_at_dpc_level(Call& call, ULONG_PTR* lock) {
  check_exactly_at_dispatch(call, "0xC4/0x40");
  if (ULONG_PTR* host = call.object(lock, "SpinLock")) acquire_word(call, *host);
}
void release_from_dpc_level(Call& call, ULONG_PTR* lock) {
  check_exactly_at_dispatch(call, "0xC4/0x41");
  if (ULONG_PTR* host = call.object(lock, "SpinLock")) release_word(call, *host);
}
BOOLEAN try_to_acquire(Call& call, ULONG_PTR* lock) {
  check_at_dispatch(call, "0xC4/0x40");
  ULONG_PTR* host = call.object(lock, "SpinLock");
  if (host == nullptr || *host != 0) return FALSE;
  acquire_word(call, *host);
  return TRUE;
}
BOOLEAN test(Call& call, ULONG_PTR* lock) {
  call.scheduler().poll();
  const ULONG_PTR* host = call.object<const ULONG_PTR>(lock, "SpinLock");
  return host != nullptr && *host == 0;
}
// Of a threaded DPC, which does not know at which IRQL it runs.
UCHAR acquire_for_dpc(Call& call, ULONG_PTR* lock) { return acquire(call, lock); }
void release_for_dpc(Call& call, ULONG_PTR* lock, UCHAR irql) {
  if (ULONG_PTR* host = call.object(lock, "SpinLock")) release_word(call, *host);
  call.scheduler().lower_irql(irql);
}

// --- queued, with the waiter's place on the caller's stack ---------------------------------------------------------------------------

KLOCK_QUEUE_HANDLE* acquire_queued_word(Call& call, ULONG_PTR* lock, KLOCK_QUEUE_HANDLE* handle) {
  KLOCK_QUEUE_HANDLE* host = call.object(handle, "LockHandle");
  ULONG_PTR* word = call.object(lock, "SpinLock");
  if (host == nullptr || word == nullptr) return nullptr;
  host->LockQueue.Next = nullptr;
  host->LockQueue.Lock = lock;
  acquire_word(call, *word);
  return host;
}
bool release_queued_word(Call& call, KLOCK_QUEUE_HANDLE* handle) {
  KLOCK_QUEUE_HANDLE* host = call.object(handle, "LockHandle");
  ULONG_PTR* word = host == nullptr || host->LockQueue.Lock == nullptr ? nullptr : call.object(host->LockQueue.Lock, "LockHandle");
  if (word == nullptr) {
    call.broken("VER-91", "0xC4/0x00040007", fmt::format("{} was given a lock handle that holds no lock", call.name()));
    return false;
  }
  release_word(call, *word);
  host->LockQueue.Lock = nullptr;
  return true;
}
void acquire_queued(Call& call, ULONG_PTR* lock, KLOCK_QUEUE_HANDLE* handle) {
  const Irql old = call.scheduler().raise_irql(std::max(kDispatchLevel, irql_of(call)));
  if (KLOCK_QUEUE_HANDLE* host = acquire_queued_word(call, lock, handle)) host->OldIrql = old;
}
void release_queued(Call& call, KLOCK_QUEUE_HANDLE* handle) {
  check_release(call, "0xC4/0x36");
  if (release_queued_word(call, handle)) call.scheduler().lower_irql(call.object(handle, "LockHandle")->OldIrql);
}
void acquire_queued_at_dpc_level(Call& call, ULONG_PTR* lock, KLOCK_QUEUE_HANDLE* handle) {
  check_at_dispatch(call, "0xC4/0x40");
  acquire_queued_word(call, lock, handle);
}
void release_queued_from_dpc_level(Call& call, KLOCK_QUEUE_HANDLE* handle) {
  check_at_dispatch(call, "0xC4/0x41");
  release_queued_word(call, handle);
}
void release_queued_for_dpc(Call& call, KLOCK_QUEUE_HANDLE* handle) {
  if (release_queued_word(call, handle)) call.scheduler().lower_irql(call.object(handle, "LockHandle")->OldIrql);
}

// --- readers and writers: bit 31 is the writer's, the rest counts readers -------------------------------------------------------------

constexpr ULONG kWriter = 0x8000'0000;

/// Until `free` says so, or for longer than any lock is held.
template <class Free>
void await(Call& call, Free&& free) {
  SpinWait round(call.scheduler());
  while (!free() && round.once()) {
  }
  if (!free()) call.broken("VER-91", "", fmt::format("{}: the spin lock is not released (waited for 20 s)", call.name()));
}
void note_held(Call& call, int by) {
  if (CallFrame* frame = call.services().call.frame(); frame != nullptr && (by > 0 || frame->locks_held != 0)) frame->locks_held += static_cast<unsigned>(by);
}
ULONG* lock_word(Call& call, LONG* lock) { return reinterpret_cast<ULONG*>(call.object(lock, "SpinLock")); }

void lock_shared(Call& call, LONG* lock) {
  ULONG* word = lock_word(call, lock);
  if (word == nullptr) return;
  await(call, [&] { return (*word & kWriter) == 0; });
  ++*word;
  note_held(call, 1);
}
void lock_exclusive(Call& call, LONG* lock) {
  ULONG* word = lock_word(call, lock);
  if (word == nullptr) return;
  await(call, [&] { return *word == 0; });
  *word = kWriter;
  note_held(call, 1);
}
void unlock_shared(Call& call, LONG* lock) {
  ULONG* word = lock_word(call, lock);
  if (word == nullptr) return;
  if ((*word & ~kWriter) == 0) return call.broken("VER-91", "", fmt::format("{}: the spin lock is not held shared", call.name()));
  --*word;
  note_held(call, -1);
}
void unlock_exclusive(Call& call, LONG* lock) {
  ULONG* word = lock_word(call, lock);
  if (word == nullptr) return;
  if ((*word & kWriter) == 0) return call.broken("VER-91", "", fmt::format("{}: the spin lock is not held exclusively", call.name()));
  *word = 0;
  note_held(call, -1);
}
template <void (*Lock)(Call&, LONG*)>
UCHAR acquire_rw(Call& call, LONG* lock) {
  const Irql old = call.scheduler().raise_irql(std::max(kDispatchLevel, irql_of(call)));
  Lock(call, lock);
  return old;
}
template <void (*Unlock)(Call&, LONG*)>
void release_rw(Call& call, LONG* lock, UCHAR irql) {
  check_release(call, "0xC4/0x32");
  Unlock(call, lock);
  call.scheduler().lower_irql(irql);
}
template <void (*Change)(Call&, LONG*)>
void at_dpc_level(Call& call, LONG* lock) {
  check_at_dispatch(call, "0xC4/0x40");
  Change(call, lock);
}
ULONG try_convert(Call& call, LONG* lock) {
  check_at_dispatch(call, "0xC4/0x40");
  ULONG* word = lock_word(call, lock);
  if (word == nullptr || *word != 1) return FALSE;
  *word = kWriter;
  return TRUE;
}

}  // namespace

std::vector<Row> ke_spin_rows() {
  return {
      routine<"KeInitializeSpinLock", kAnyIrql, &initialize>(kModule, "nf-wdm-keinitializespinlock"),
      routine<"KeAcquireSpinLockRaiseToDpc", kDispatchLevel, &acquire>(kModule, "nf-wdm-keacquirespinlockraisetodpc"),
      routine<"KeReleaseSpinLock", kDispatchLevel, &release>(kModule, "nf-wdm-kereleasespinlock"),
      routine<"KeAcquireSpinLockAtDpcLevel", kAnyIrql, &acquire_at_dpc_level>(kModule, "nf-wdm-keacquirespinlockatdpclevel"),
      routine<"KeReleaseSpinLockFromDpcLevel", kAnyIrql, &release_from_dpc_level>(kModule, "nf-wdm-kereleasespinlockfromdpclevel"),
      routine<"KeTryToAcquireSpinLockAtDpcLevel", kAnyIrql, &try_to_acquire>(kModule, "nf-wdm-ketrytoacquirespinlockatdpclevel"),
      routine<"KeTestSpinLock", kAnyIrql, &test>(kModule, "nf-wdm-ketestspinlock"),
      routine<"KeAcquireSpinLockForDpc", kDispatchLevel, &acquire_for_dpc>(kModule, "nf-wdm-keacquirespinlockfordpc"),
      routine<"KeReleaseSpinLockForDpc", kDispatchLevel, &release_for_dpc>(kModule, "nf-wdm-kereleasespinlockfordpc"),
      routine<"KeAcquireInStackQueuedSpinLock", kDispatchLevel, &acquire_queued>(kModule, "nf-wdm-keacquireinstackqueuedspinlock"),
      routine<"KeReleaseInStackQueuedSpinLock", kDispatchLevel, &release_queued>(kModule, "nf-wdm-kereleaseinstackqueuedspinlock"),
      routine<"KeAcquireInStackQueuedSpinLockAtDpcLevel", kAnyIrql, &acquire_queued_at_dpc_level>(kModule, "nf-wdm-keacquireinstackqueuedspinlockatdpclevel"),
      routine<"KeReleaseInStackQueuedSpinLockFromDpcLevel", kAnyIrql, &release_queued_from_dpc_level>(kModule, "nf-wdm-kereleaseinstackqueuedspinlockfromdpclevel"),
      routine<"KeAcquireInStackQueuedSpinLockForDpc", kDispatchLevel, &acquire_queued>(kModule, "nf-wdm-keacquireinstackqueuedspinlockfordpc"),
      routine<"KeReleaseInStackQueuedSpinLockForDpc", kDispatchLevel, &release_queued_for_dpc>(kModule, "nf-wdm-kereleaseinstackqueuedspinlockfordpc"),
      routine<"ExAcquireSpinLockShared", kDispatchLevel, &acquire_rw<lock_shared>>(kModule, "nf-wdm-exacquirespinlockshared"),
      routine<"ExAcquireSpinLockExclusive", kDispatchLevel, &acquire_rw<lock_exclusive>>(kModule, "nf-wdm-exacquirespinlockexclusive"),
      routine<"ExReleaseSpinLockShared", kDispatchLevel, &release_rw<unlock_shared>>(kModule, "nf-wdm-exreleasespinlockshared"),
      routine<"ExReleaseSpinLockExclusive", kDispatchLevel, &release_rw<unlock_exclusive>>(kModule, "nf-wdm-exreleasespinlockexclusive"),
      routine<"ExAcquireSpinLockSharedAtDpcLevel", kAnyIrql, &at_dpc_level<lock_shared>>(kModule, "nf-wdm-exacquirespinlocksharedatdpclevel"),
      routine<"ExAcquireSpinLockExclusiveAtDpcLevel", kAnyIrql, &at_dpc_level<lock_exclusive>>(kModule, "nf-wdm-exacquirespinlockexclusiveatdpclevel"),
      routine<"ExReleaseSpinLockSharedFromDpcLevel", kAnyIrql, &at_dpc_level<unlock_shared>>(kModule, "nf-wdm-exreleasespinlocksharedfromdpclevel"),
      routine<"ExReleaseSpinLockExclusiveFromDpcLevel", kAnyIrql, &at_dpc_level<unlock_exclusive>>(kModule, "nf-wdm-exreleasespinlockexclusivefromdpclevel"),
      routine<"ExTryConvertSharedSpinLockExclusive", kAnyIrql, &try_convert>(kModule, "nf-wdm-extryconvertsharedspinlockexclusive"),
  };
}

}  // namespace drydock::ddi
