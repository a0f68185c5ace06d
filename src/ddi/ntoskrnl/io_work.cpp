// ntoskrnl.exe: Io…: work items, the timer of a device, remove locks: what runs later, and what keeps a device meanwhile.

#include <cstring>

#include <fmt/format.h>

#include "abi/wdk_io.h"
#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"
#include "ddi/pool.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr std::uint32_t kWorkItemTag = 0x20776F49;  // 'Iow '

IoManager& io(Call& call) { return call.kernel().io(); }
WorkItems& items(Call& call) { return io(call).work_items(); }
/// For a record that outlives the call: its stack will be gone.
CodePlace kept_place(Call& call) {
  const CodePlace where = call.place();
  return {where.rip, 0, 0, where.is_return_address};
}

// --- work items. DOC: VER-193 ---------------------------------------------------------------------------------------------

void* allocate_work_item(Call& call, DEVICE_OBJECT* device) {
  if (io(call).devices().find(device) == nullptr) {
    call.broken("VER-193", "", "IoAllocateWorkItem was given a device object that was never created, or is gone");
    return nullptr;
  }
  void* memory = pool_allocate(call, WorkItems::kBytes, kWorkItemTag);
  if (memory == nullptr) return nullptr;
  items(call).add(call.range(memory, WorkItems::kBytes, true, "IoWorkItem"), memory, device, true, kept_place(call));
  return memory;
}
void initialize_work_item(Call& call, void* object, void* item) {
  if (std::byte* host = call.range(item, WorkItems::kBytes, true, "IoWorkItem")) items(call).add(host, item, object, false, kept_place(call));
}
ULONG size_of_work_item(Call&) { return WorkItems::kBytes; }

void told(Call& call, WorkItems::Done done) {
  if (done == WorkItems::Done::unknown) call.broken("VER-193", "", fmt::format("{} was given no work item, or one that is freed", call.name()));
  if (done == WorkItems::Done::queued) call.broken("VER-193", "", fmt::format("{} was given a work item that is queued, and whose routine has not been called yet", call.name()));
}
void queue_item(Call& call, void* item, const WorkItems::Routine& routine) {
  if (const std::byte* host = call.range(item, 1, true, "IoWorkItem")) told(call, items(call).queue(host, routine, kept_place(call)));
}
void queue_work_item(Call& call, void* item, void* routine, WORK_QUEUE_TYPE, void* context) { queue_item(call, item, {.plain = routine, .extended = nullptr, .context = context}); }
void queue_work_item_ex(Call& call, void* item, void* routine, WORK_QUEUE_TYPE, void* context) {
  queue_item(call, item, {.plain = nullptr, .extended = routine, .context = context});
}
void free_work_item(Call& call, void* item) {
  const std::byte* host = call.range(item, 1, true, "IoWorkItem");
  if (host == nullptr) return;
  const WorkItems::Done done = items(call).remove(host, true);
  told(call, done);
  if (done != WorkItems::Done::unknown) pool_free(call, item);
}
void uninitialize_work_item(Call& call, void* item) {
  if (const std::byte* host = call.range(item, 1, true, "IoWorkItem")) told(call, items(call).remove(host, false));
}

// --- the timer of a device. DOC: VER-194 ----------------------------------------------------------------------------------

bool is_device(Call& call, DEVICE_OBJECT* device) {
  if (io(call).devices().find(device) != nullptr) return true;
  call.broken("VER-194", "", fmt::format("{} was given a device object that was never created, or is gone", call.name()));
  return false;
}
NTSTATUS initialize_timer(Call& call, DEVICE_OBJECT* device, DeviceTimers::Routine routine, void* context) {
  if (!is_device(call, device)) return STATUS_INVALID_PARAMETER;
  if (io(call).timers().add(device, routine, context)) return STATUS_SUCCESS;
  call.broken("VER-194", "0xC9/0x0A", "IoInitializeTimer was given a device object whose timer is initialised already");
  return STATUS_SUCCESS;
}
void start_timer(Call& call, DEVICE_OBJECT* device) {
  if (is_device(call, device) && !io(call).timers().start(device)) call.broken("VER-194", "", "IoStartTimer was given a device object without a timer: IoInitializeTimer comes first");
}
void stop_timer(Call& call, DEVICE_OBJECT* device) {
  if (is_device(call, device) && !io(call).timers().stop(device)) call.broken("VER-194", "", "IoStopTimer was given a device object without a timer: IoInitializeTimer comes first");
}

// --- remove locks. DOC: VER-195 -------------------------------------------------------------------------------------------

void broken(Call& call, std::string text) { call.broken("VER-195", "", fmt::format("{}: {}", call.name(), text)); }

struct FoundLock {
  IO_REMOVE_LOCK_COMMON_BLOCK* host = nullptr;
  RemoveLocks::Lock* lock = nullptr;
};
/// Without a lock: a finding was told.
FoundLock find_lock(Call& call, IO_REMOVE_LOCK* lock) {
  FoundLock found;
  found.host = reinterpret_cast<IO_REMOVE_LOCK_COMMON_BLOCK*>(call.range(lock, sizeof(IO_REMOVE_LOCK_COMMON_BLOCK), true, "RemoveLock"));
  if (found.host == nullptr) return found;
  found.lock = io(call).remove_locks().find(found.host);
  if (found.lock == nullptr) broken(call, "the lock was never initialised (IoInitializeRemoveLock)");
  return found;
}

void initialize_remove_lock(Call& call, IO_REMOVE_LOCK* lock, ULONG, ULONG, ULONG, ULONG size) {
  auto* host = reinterpret_cast<IO_REMOVE_LOCK_COMMON_BLOCK*>(call.range(lock, std::max<std::size_t>(size, sizeof(IO_REMOVE_LOCK_COMMON_BLOCK)), true, "Lock"));
  if (host == nullptr) return;
  if (!io(call).remove_locks().add(host, kept_place(call))) broken(call, "the lock is initialised again after IoReleaseRemoveLockAndWait");
  host->Removed = FALSE;
  host->IoCount = 1;
  Dispatcher::initialize(host->RemoveEvent.Header, reinterpret_cast<std::uint64_t>(&lock->Common.RemoveEvent), DispatcherKind::synchronization_event, sizeof(KEVENT), 0);
}

NTSTATUS acquire_remove_lock(Call& call, IO_REMOVE_LOCK* lock, void* tag, const char*, ULONG, ULONG) {
  const FoundLock found = find_lock(call, lock);
  if (found.lock == nullptr) return STATUS_DELETE_PENDING;
  if (found.host->Removed) return STATUS_DELETE_PENDING;
  found.host->IoCount = found.host->IoCount + 1;
  found.lock->holders.push_back({tag, kept_place(call)});
  return STATUS_SUCCESS;
}

/// One acquisition less. False: there was none with that tag.
bool release_one(Call& call, const FoundLock& found, void* tag) {
  if (!RemoveLocks::drop(*found.lock, tag)) {
    broken(call, fmt::format("the lock is not acquired with tag {:#x}{}", reinterpret_cast<std::uint64_t>(tag), found.lock->holders.empty() ? ", nor with any other" : ""));
    return false;
  }
  found.host->IoCount = found.host->IoCount - 1;
  if (found.host->IoCount == 0) call.kernel().objects().dispatcher.set_event(found.host->RemoveEvent);
  return true;
}
void release_remove_lock(Call& call, IO_REMOVE_LOCK* lock, void* tag, ULONG) {
  if (const FoundLock found = find_lock(call, lock); found.lock != nullptr) release_one(call, found, tag);
}

// The lock's own count goes with the removal; who still holds it is waited for.
void release_remove_lock_and_wait(Call& call, IO_REMOVE_LOCK* lock, void* tag, ULONG) {
  const FoundLock found = find_lock(call, lock);
  if (found.lock == nullptr) return;
  if (found.lock->removed) return broken(call, "it was called for this lock before");
  found.host->Removed = TRUE;
  found.lock->removed = true;
  if (!release_one(call, found, tag)) return;
  found.host->IoCount = found.host->IoCount - 1;
  if (found.host->IoCount <= 0) return;
  check_may_wait(call);
  DISPATCHER_HEADER* const event = &found.host->RemoveEvent.Header;
  const Waited waited = call.kernel().objects().dispatcher.wait({&event, 1}, false, std::nullopt, is_urgent(call), {call.name(), call.place()});
  if (waited.end == WaitEnd::hopeless) end_hopeless_wait(call, "a remove lock that somebody acquired and never releases");
}

}  // namespace

std::vector<Row> io_work_rows() {
  return {
      routine<"IoAllocateWorkItem", kDispatchLevel, &allocate_work_item>(kModule, "nf-wdm-ioallocateworkitem"),
      routine<"IoFreeWorkItem", kDispatchLevel, &free_work_item>(kModule, "nf-wdm-iofreeworkitem"),
      routine<"IoSizeofWorkItem", kAnyIrql, &size_of_work_item>(kModule, "nf-wdm-iosizeofworkitem"),
      routine<"IoInitializeWorkItem", kAnyIrql, &initialize_work_item>(kModule, "nf-wdm-ioinitializeworkitem"),
      routine<"IoUninitializeWorkItem", kAnyIrql, &uninitialize_work_item>(kModule, "nf-wdm-iouninitializeworkitem"),
      routine<"IoQueueWorkItem", kDispatchLevel, &queue_work_item>(kModule, "nf-wdm-ioqueueworkitem"),
      routine<"IoQueueWorkItemEx", kDispatchLevel, &queue_work_item_ex>(kModule, "nf-wdm-ioqueueworkitemex"),
      routine<"IoInitializeTimer", kPassiveLevel, &initialize_timer>(kModule, "nf-wdm-ioinitializetimer"),
      routine<"IoStartTimer", kDispatchLevel, &start_timer>(kModule, "nf-wdm-iostarttimer"),
      routine<"IoStopTimer", kDispatchLevel, &stop_timer>(kModule, "nf-wdm-iostoptimer"),
      routine<"IoInitializeRemoveLockEx", kPassiveLevel, &initialize_remove_lock>(kModule, "nf-wdm-ioinitializeremovelock", Coverage::partial, "MaxLockedMinutes and HighWatermark are not watched"),
      routine<"IoAcquireRemoveLockEx", kDispatchLevel, &acquire_remove_lock>(kModule, "nf-wdm-ioacquireremovelock"),
      routine<"IoReleaseRemoveLockEx", kDispatchLevel, &release_remove_lock>(kModule, "nf-wdm-ioreleaseremovelock"),
      routine<"IoReleaseRemoveLockAndWaitEx", kPassiveLevel, &release_remove_lock_and_wait>(kModule, "nf-wdm-ioreleaseremovelockandwait"),
  };
}

}  // namespace drydock::ddi
