// ntoskrnl.exe: Ke…: processors, affinity and priority of threads, device queues, bug-check callbacks, other clocks.

#include <bit>
#include <utility>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"
#include "ddi/spin_word.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

// --- processors: one group, one node ------------------------------------------------------------------------------------------------

std::uint64_t all_processors(Call& call) { return ~std::uint64_t{0} >> (64 - call.scheduler().cpu_count()); }
ULONG processor_count(Call& call) { return call.scheduler().cpu_count(); }
USHORT one(Call&) { return 1; }
USHORT none(Call&) { return 0; }
std::uint64_t group_affinity(Call& call, USHORT group) { return group == 0 ? all_processors(call) : 0; }
USHORT node_processors(Call& call, USHORT) { return static_cast<USHORT>(call.scheduler().cpu_count()); }

void node_affinity(Call& call, USHORT node, GROUP_AFFINITY* affinity, USHORT* count) {
  if (affinity != nullptr)
    if (GROUP_AFFINITY* host = call.object(affinity, "Affinity")) *host = {node == 0 ? all_processors(call) : 0, 0, {0, 0, 0}};
  if (count != nullptr)
    if (USHORT* host = call.object(count, "Count")) *host = node == 0 ? static_cast<USHORT>(call.scheduler().cpu_count()) : USHORT{0};
}

ULONG index_from_number(Call& call, PROCESSOR_NUMBER* number) {
  const PROCESSOR_NUMBER* host = call.object<const PROCESSOR_NUMBER>(number, "ProcNumber");
  return host == nullptr || host->Group != 0 || host->Number >= call.scheduler().cpu_count() ? ~ULONG{0} : host->Number;
}
NTSTATUS number_from_index(Call& call, ULONG index, PROCESSOR_NUMBER* number) {
  PROCESSOR_NUMBER* host = call.object(number, "ProcNumber");
  if (host == nullptr || index >= call.scheduler().cpu_count()) return STATUS_INVALID_PARAMETER;
  *host = {0, static_cast<UCHAR>(index), 0};
  return STATUS_SUCCESS;
}
ULONG executing_dpc(Call& call) { return call.scheduler().irql() >= kDispatchLevel && call.kernel().objects().dpcs.executing(call.scheduler().cpu().index); }
ULONG never(Call&) { return FALSE; }
ULONG cache_line(Call&) { return SYSTEM_CACHE_ALIGNMENT_SIZE; }
void nothing(Call&) {}

// --- affinity and priority of the running thread -------------------------------------------------------------------------------------

/// At DISPATCH_LEVEL the thread moves when the level falls: here with its next wait. 0: wherever it is.
std::uint64_t set_affinity(Call& call, std::uint64_t affinity) {
  ThreadBook& book = book_of(call);
  affinity &= all_processors(call);
  const std::uint64_t old = std::exchange(book.affinity, affinity);
  const VirtualCpu& cpu = call.scheduler().cpu();
  if (affinity != 0 && (affinity & cpu.bit) == 0 && cpu.thread != nullptr && cpu.irql < kDispatchLevel)
    call.scheduler().move_thread(static_cast<unsigned>(std::countr_zero(affinity)));
  return old;
}
std::uint64_t set_system_affinity_ex(Call& call, std::uint64_t affinity) { return set_affinity(call, affinity); }
void revert_affinity_ex(Call& call, std::uint64_t affinity) { set_affinity(call, affinity); }
void set_system_affinity(Call& call, std::uint64_t affinity) { set_affinity(call, affinity); }
void revert_affinity(Call& call) { set_affinity(call, 0); }
void set_group_affinity(Call& call, GROUP_AFFINITY* affinity, GROUP_AFFINITY* previous) {
  const GROUP_AFFINITY* host = call.object<const GROUP_AFFINITY>(affinity, "Affinity");
  if (host == nullptr) return;
  const std::uint64_t old = host->Group == 0 ? set_affinity(call, host->Mask) : book_of(call).affinity;
  if (previous != nullptr)
    if (GROUP_AFFINITY* out = call.object(previous, "PreviousAffinity")) *out = {old, 0, {0, 0, 0}};
}
void revert_group_affinity(Call& call, GROUP_AFFINITY* previous) {
  if (const GROUP_AFFINITY* host = call.object<const GROUP_AFFINITY>(previous, "PreviousAffinity")) set_affinity(call, host->Mask);
}

// Virtual threads take turns by the seed: a priority changes nothing that a driver may rely on. It is kept for who asks.
LONG set_priority(Call& call, void* thread, LONG priority) {
  if (reinterpret_cast<std::uint64_t>(thread) != current_thread_object(call)) return 8;
  return std::exchange(book_of(call).priority, priority);
}
LONG query_priority(Call& call, void* thread) { return reinterpret_cast<std::uint64_t>(thread) == current_thread_object(call) ? book_of(call).priority : 8; }

// --- device queues. DOC: VER-84 -----------------------------------------------------------------------------------------------------

constexpr CSHORT kDeviceQueueType = 0x14;

void initialize_queue(Call& call, KDEVICE_QUEUE* queue) {
  KDEVICE_QUEUE* host = call.object(queue, "DeviceQueue");
  if (host == nullptr) return;
  *host = {};
  host->Type = kDeviceQueueType;
  host->Size = sizeof *host;
  host->DeviceListHead = {&queue->DeviceListHead, &queue->DeviceListHead};
}

/// The queue under its lock; null after a finding.
class LockedQueue {
 public:
  LockedQueue(Call& call, KDEVICE_QUEUE* queue, bool at_dispatch = true) : call_(call), host_(call.object(queue, "DeviceQueue")), address_(queue) {
    if (at_dispatch && call.scheduler().irql() != kDispatchLevel)
      call.broken("VER-84", "0xC4/0x00020003", fmt::format("{} was called at IRQL {}; it must be DISPATCH_LEVEL", call.name(), call.scheduler().irql()));
    if (host_ != nullptr && host_->Type != kDeviceQueueType) {
      call.broken("DRY-30", "", fmt::format("{}: the device queue was never initialised, or is overwritten", call.name()));
      host_ = nullptr;
    }
    if (host_ != nullptr) held_.emplace(call, host_->Lock);
  }
  explicit operator bool() const { return host_ != nullptr; }
  bool busy() const { return host_->Busy; }
  void set_busy(bool busy) { host_->Busy = busy; }
  bool empty() const { return host_->DeviceListHead.Flink == &address_->DeviceListHead; }
  LIST_ENTRY* head() { return &address_->DeviceListHead; }
  LIST_ENTRY* first() { return host_->DeviceListHead.Flink; }
  KDEVICE_QUEUE_ENTRY* entry(LIST_ENTRY* link) { return call_.object(reinterpret_cast<KDEVICE_QUEUE_ENTRY*>(link), "DeviceQueueEntry"); }
  void insert_before(LIST_ENTRY* neighbour, KDEVICE_QUEUE_ENTRY* added) {
    LIST_ENTRY* after = call_.object(neighbour, "DeviceQueueEntry");
    LIST_ENTRY* link = call_.object(&added->DeviceListEntry, "DeviceQueueEntry");
    LIST_ENTRY* before = after == nullptr ? nullptr : call_.object(after->Blink, "DeviceQueueEntry");
    if (link == nullptr || before == nullptr) return;
    *link = {neighbour, after->Blink};
    before->Flink = &added->DeviceListEntry;
    after->Blink = &added->DeviceListEntry;
  }
  void unlink(LIST_ENTRY* link) {
    const LIST_ENTRY* host = call_.object(link, "DeviceQueueEntry");
    LIST_ENTRY* before = host == nullptr ? nullptr : call_.object(host->Blink, "DeviceQueueEntry");
    LIST_ENTRY* after = host == nullptr ? nullptr : call_.object(host->Flink, "DeviceQueueEntry");
    if (before == nullptr || after == nullptr) return;
    before->Flink = host->Flink;
    after->Blink = host->Blink;
    if (KDEVICE_QUEUE_ENTRY* gone = entry(link)) gone->Inserted = FALSE;
  }

 private:
  Call& call_;
  KDEVICE_QUEUE* host_;
  KDEVICE_QUEUE* address_;
  std::optional<HeldWord> held_;
};

/// A queue that is not busy becomes so, and takes nothing.
BOOLEAN insert(Call& call, KDEVICE_QUEUE* queue, KDEVICE_QUEUE_ENTRY* added, std::optional<ULONG> key) {
  KDEVICE_QUEUE_ENTRY* host = call.object(added, "DeviceQueueEntry");
  LockedQueue locked(call, queue);
  if (!locked || host == nullptr) return FALSE;
  if (key) host->SortKey = *key;
  host->Inserted = locked.busy();
  if (!locked.busy()) return locked.set_busy(true), FALSE;
  LIST_ENTRY* neighbour = locked.head();
  if (key)
    for (LIST_ENTRY* at = locked.first(); at != locked.head(); at = locked.entry(at)->DeviceListEntry.Flink)
      if (locked.entry(at) == nullptr || locked.entry(at)->SortKey > *key) {
        neighbour = at;
        break;
      }
  locked.insert_before(neighbour, added);
  return TRUE;
}
BOOLEAN insert_tail(Call& call, KDEVICE_QUEUE* queue, KDEVICE_QUEUE_ENTRY* entry) { return insert(call, queue, entry, std::nullopt); }
BOOLEAN insert_by_key(Call& call, KDEVICE_QUEUE* queue, KDEVICE_QUEUE_ENTRY* entry, ULONG key) { return insert(call, queue, entry, key); }

/// The first whose key is not below; else the first. A queue with none is no longer busy.
KDEVICE_QUEUE_ENTRY* take(Call& call, KDEVICE_QUEUE* queue, std::optional<ULONG> key) {
  LockedQueue locked(call, queue);
  if (!locked) return nullptr;
  if (locked.empty()) return locked.set_busy(false), nullptr;
  LIST_ENTRY* chosen = locked.first();
  if (key)
    for (LIST_ENTRY* at = locked.first(); at != locked.head(); at = locked.entry(at)->DeviceListEntry.Flink)
      if (locked.entry(at) == nullptr || locked.entry(at)->SortKey >= *key) {
        chosen = at;
        break;
      }
  locked.unlink(chosen);
  return reinterpret_cast<KDEVICE_QUEUE_ENTRY*>(chosen);
}
KDEVICE_QUEUE_ENTRY* take_first(Call& call, KDEVICE_QUEUE* queue) { return take(call, queue, std::nullopt); }
KDEVICE_QUEUE_ENTRY* take_by_key(Call& call, KDEVICE_QUEUE* queue, ULONG key) { return take(call, queue, key); }
BOOLEAN take_entry(Call& call, KDEVICE_QUEUE* queue, KDEVICE_QUEUE_ENTRY* entry) {
  const KDEVICE_QUEUE_ENTRY* host = call.object<const KDEVICE_QUEUE_ENTRY>(entry, "DeviceQueueEntry");
  LockedQueue locked(call, queue, false);
  if (!locked || host == nullptr || !host->Inserted) return FALSE;
  locked.unlink(&entry->DeviceListEntry);
  return TRUE;
}

// --- bug-check callbacks ------------------------------------------------------------------------------------------------------------

BOOLEAN register_callback(Call& call, KBUGCHECK_CALLBACK_RECORD* record, void* routine, void* buffer, ULONG length, UCHAR* component) {
  KBUGCHECK_CALLBACK_RECORD* host = call.object(record, "CallbackRecord");
  if (host == nullptr || host->State != BufferEmpty) return FALSE;
  *host = {{nullptr, nullptr}, reinterpret_cast<PKBUGCHECK_CALLBACK_ROUTINE>(routine), buffer, length, component, 0, BufferInserted};
  return TRUE;
}
BOOLEAN deregister_callback(Call& call, KBUGCHECK_CALLBACK_RECORD* record) {
  KBUGCHECK_CALLBACK_RECORD* host = call.object(record, "CallbackRecord");
  if (host == nullptr || host->State != BufferInserted) return FALSE;
  host->State = BufferEmpty;
  return TRUE;
}

// --- clocks, and floating point, whose state is the driver's own here ----------------------------------------------------------------

ULONGLONG unbiased_interrupt_time(Call& call) {
  call.scheduler().poll();
  return call.kernel().interrupt_time();
}
ULONGLONG interrupt_time_precise(Call& call, ULONG64* counter) {
  call.scheduler().poll();
  const ULONGLONG now = call.kernel().interrupt_time();
  if (ULONG64* host = call.object(counter, "QpcTimeStamp")) *host = now;
  return now;
}
void timer_resolution(Call& call, ULONG* most, ULONG* least, ULONG* current) {
  constexpr ULONG kTick = 156'250, kFinest = 5'000;
  const std::pair<ULONG*, ULONG> answers[] = {{most, kTick}, {least, kFinest}, {current, kTick}};
  for (const auto& [to, value] : answers)
    if (ULONG* host = call.object(to, "TimerResolution")) *host = value;
}
ULONG set_timer_resolution(Call&, ULONG, BOOLEAN) { return 156'250; }
NTSTATUS floating_point(Call& call, KFLOATING_SAVE* save) { return call.object(save, "FloatSave") == nullptr ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS; }
CCHAR previous_mode(Call&) { return KernelMode; }

}  // namespace

std::vector<Row> ke_system_rows() {
  const char* one_group = "there is one group, and one node";
  const char* no_priority = "threads take turns by the seed, whatever their priority";
  return {
      routine<"KeQueryMaximumProcessorCount", kAnyIrql, &processor_count>(kModule, "nf-wdm-kequerymaximumprocessorcount"),
      routine<"KeQueryMaximumGroupCount", kAnyIrql, &one>(kModule, "nf-wdm-kequerymaximumgroupcount"),
      routine<"KeQueryGroupAffinity", kAnyIrql, &group_affinity>(kModule, "nf-wdm-kequerygroupaffinity", Coverage::full, one_group),
      routine<"KeQueryHighestNodeNumber", kAnyIrql, &none>(kModule, "nf-wdm-kequeryhighestnodenumber", Coverage::full, one_group),
      routine<"KeGetCurrentNodeNumber", kAnyIrql, &none>(kModule, "nf-wdm-kegetcurrentnodenumber", Coverage::full, one_group),
      routine<"KeQueryNodeActiveAffinity", kAnyIrql, &node_affinity>(kModule, "nf-wdm-kequerynodeactiveaffinity", Coverage::full, one_group),
      routine<"KeQueryNodeMaximumProcessorCount", kAnyIrql, &node_processors>(kModule, "nf-wdm-kequerynodemaximumprocessorcount", Coverage::full, one_group),
      routine<"KeGetProcessorIndexFromNumber", kAnyIrql, &index_from_number>(kModule, "nf-wdm-kegetprocessorindexfromnumber"),
      routine<"KeGetProcessorNumberFromIndex", kAnyIrql, &number_from_index>(kModule, "nf-wdm-kegetprocessornumberfromindex"),
      routine<"KeIsExecutingDpc", kAnyIrql, &executing_dpc>(kModule, "nf-wdm-keisexecutingdpc"),
      routine<"KeShouldYieldProcessor", kAnyIrql, &never>(kModule, "nf-wdm-keshouldyieldprocessor"),
      routine<"KeGetRecommendedSharedDataAlignment", kAnyIrql, &cache_line>(kModule, "nf-wdm-kegetrecommendedshareddataalignment"),
      routine<"KeFlushWriteBuffer", kAnyIrql, &nothing>(kModule, "nf-wdm-keflushiobuffers", Coverage::full, "x64 has nothing to flush"),
      routine<"KeSetSystemAffinityThread", kDispatchLevel, &set_system_affinity>(kModule, "nf-wdm-kesetsystemaffinitythread"),
      routine<"KeRevertToUserAffinityThread", kDispatchLevel, &revert_affinity>(kModule, "nf-wdm-kereverttouseraffinitythreadex"),
      routine<"KeSetSystemAffinityThreadEx", kDispatchLevel, &set_system_affinity_ex>(kModule, "nf-wdm-kesetsystemaffinitythreadex"),
      routine<"KeRevertToUserAffinityThreadEx", kDispatchLevel, &revert_affinity_ex>(kModule, "nf-wdm-kereverttouseraffinitythreadex"),
      routine<"KeSetSystemGroupAffinityThread", kDispatchLevel, &set_group_affinity>(kModule, "nf-wdm-kesetsystemgroupaffinitythread"),
      routine<"KeRevertToUserGroupAffinityThread", kDispatchLevel, &revert_group_affinity>(kModule, "nf-wdm-kereverttousergroupaffinitythread"),
      routine<"KeSetPriorityThread", kPassiveLevel, &set_priority>(kModule, "nf-wdm-kesetprioritythread", Coverage::partial, no_priority),
      routine<"KeQueryPriorityThread", kPassiveLevel, &query_priority>(kModule, "nf-wdm-kequeryprioritythread", Coverage::partial, no_priority),
      routine<"KeInitializeDeviceQueue", kDispatchLevel, &initialize_queue>(kModule, "nf-wdm-keinitializedevicequeue"),
      routine<"KeInsertDeviceQueue", kDispatchLevel, &insert_tail>(kModule, "nf-wdm-keinsertdevicequeue"),
      routine<"KeInsertByKeyDeviceQueue", kDispatchLevel, &insert_by_key>(kModule, "nf-wdm-keinsertbykeydevicequeue"),
      routine<"KeRemoveDeviceQueue", kDispatchLevel, &take_first>(kModule, "nf-wdm-keremovedevicequeue"),
      routine<"KeRemoveByKeyDeviceQueue", kDispatchLevel, &take_by_key>(kModule, "nf-wdm-keremovebykeydevicequeue"),
      routine<"KeRemoveEntryDeviceQueue", kDispatchLevel, &take_entry>(kModule, "nf-wdm-keremoveentrydevicequeue"),
      routine<"KeRegisterBugCheckCallback", kAnyIrql, &register_callback>(kModule, "nf-wdm-keregisterbugcheckcallback", Coverage::partial, "a bug check ends the machine: the routine is not called"),
      routine<"KeDeregisterBugCheckCallback", kAnyIrql, &deregister_callback>(kModule, "nf-wdm-kederegisterbugcheckcallback"),
      routine<"KeQueryUnbiasedInterruptTime", kAnyIrql, &unbiased_interrupt_time>(kModule, "nf-wdm-kequeryunbiasedinterrupttime"),
      routine<"KeQueryInterruptTimePrecise", kAnyIrql, &interrupt_time_precise>(kModule, "nf-wdm-kequeryinterrupttimeprecise"),
      routine<"ExQueryTimerResolution", kAnyIrql, &timer_resolution>(kModule, "nf-wdm-exquerytimerresolution"),
      routine<"ExSetTimerResolution", kApcLevel, &set_timer_resolution>(kModule, "nf-wdm-exsettimerresolution", Coverage::full, "timers are exact already"),
      routine<"KeSaveFloatingPointState", kDispatchLevel, &floating_point>(kModule, "nf-wdm-kesavefloatingpointstate"),
      routine<"KeRestoreFloatingPointState", kDispatchLevel, &floating_point>(kModule, "nf-wdm-kerestorefloatingpointstate"),
      routine<"ExGetPreviousMode", kDispatchLevel, &previous_mode>(kModule, "nf-wdm-exgetpreviousmode", Coverage::partial, "always KernelMode"),
  };
}

}  // namespace drydock::ddi
