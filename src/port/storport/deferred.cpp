#include "port/storport/deferred.h"

#include <algorithm>

#include "port/storport/adapter.h"

namespace drydock::storport {

void DeferredWork::DpcEntry::run() {
  void *first = argument1, *second = argument2;
  running_on = adapter.services().scheduler.cpu().index;
  adapter.services().call("HwStorDpcRoutine", EntryKind::dpc, routine, address, adapter.device_extension(), first, second);
  running_on = kNotRunning;
}

// DOC: ST-96 a timer routine runs at DISPATCH_LEVEL.
struct DeferredWork::TimerEntry final : Event, Dpc {
  TimerEntry(Adapter& a, void* h, CodePlace w) : adapter(a), handle(h), where(w) {}
  ~TimerEntry() override { adapter.services().scheduler.cancel_dpc(*this); }
  void fire() override { adapter.services().scheduler.queue_dpc(*this, 0); }
  void run() override {
    adapter.services().call("HwStorTimerEx", EntryKind::dpc, routine, adapter.device_extension(), context);
  }
  Adapter& adapter;
  void* handle;
  CodePlace where;
  PHW_TIMER_EX routine = nullptr;
  void* context = nullptr;
};

// DOC: ST-98 a work item runs at PASSIVE_LEVEL.
struct DeferredWork::WorkerEntry final : Task {
  WorkerEntry(Adapter& a, void* h, CodePlace w) : adapter(a), handle(h), where(w) {}
  void run() override {
    queued = false;
    adapter.services().call("HwStorWorkItem", EntryKind::routine, routine, adapter.device_extension(), context, handle);
  }
  Adapter& adapter;
  void* handle;
  CodePlace where;
  PHW_WORKITEM routine = nullptr;
  void* context = nullptr;
  bool queued = false;
};

struct DeferredWork::StateChange final : Dpc {
  explicit StateChange(Adapter& a) : adapter(a) {}
  // The routine may tell of the next change itself.
  void run() override {
    active = false;
    adapter.lock_start_io();  // DOC: ST-77 ST-125
    adapter.services().call("HwStorStateChange", EntryKind::dpc, routine, adapter.device_extension(), context,
                            SHORT{STOR_ADDRESS_TYPE_BTL8}, static_cast<void*>(address), ULONG{STOR_STATUS_SUCCESS});
    adapter.unlock_start_io();
  }
  Adapter& adapter;
  PHW_STATE_CHANGE routine = nullptr;
  void* context = nullptr;
  STOR_ADDRESS* address = nullptr;
  bool active = false;  ///< from the notification to the callback
};

DeferredWork::DeferredWork(Adapter& adapter)
    : adapter_(adapter), scheduler_(adapter.services().scheduler), state_change_(std::make_unique<StateChange>(adapter)) {}

DeferredWork::~DeferredWork() { stop(); }

void DeferredWork::stop() {
  Scheduler& scheduler = adapter_.services().scheduler;
  for (auto& entry : dpcs_) scheduler.cancel_dpc(*entry);
  scheduler.cancel_dpc(*state_change_);
  for (auto& entry : timers_) {
    scheduler.timeline().cancel(*entry);
    scheduler.cancel_dpc(*entry);
  }
}

bool DeferredWork::state_changed(PHW_STATE_CHANGE routine, void* context, STOR_ADDRESS* address, const BusScope& scope) {
  if (state_change_->active) return false;
  state_change_->routine = routine;
  state_change_->context = context;
  state_change_->address = address;
  state_change_->active = true;
  adapter_.rescan().ask(scope, true);
  return true;
}

void DeferredWork::state_change_processed() {
  if (state_change_->routine == nullptr) state_change_->active = false;
  else adapter_.services().scheduler.queue_dpc(*state_change_, adapter_.services().scheduler.cpu().index);
}

void DeferredWork::initialize_dpc(STOR_DPC* address, PHW_DPC_ROUTINE routine) {
  if (DpcEntry* known = find_dpc(address)) {
    known->routine = routine;
    return;
  }
  dpcs_.push_back(std::make_unique<DpcEntry>(adapter_, address, routine));
}

std::optional<bool> DeferredWork::cancel_dpc(STOR_DPC* address) {
  DpcEntry* entry = find_dpc(address);
  if (entry == nullptr) return std::nullopt;
  return adapter_.services().scheduler.cancel_dpc(*entry);  // DOC: ST-95
}

PortLock* DeferredWork::dpc_lock(const void* address) {
  DpcEntry* entry = find_dpc(address);
  return entry == nullptr ? nullptr : &entry->lock;
}

namespace {

template <class Entry>
Entry* find_handle(std::vector<std::unique_ptr<Entry>>& entries, const void* handle) {
  for (auto& entry : entries)
    if (entry->handle == handle) return entry.get();
  return nullptr;
}

template <class Entry>
void drop(std::vector<std::unique_ptr<Entry>>& entries, const Entry* gone) {
  std::erase_if(entries, [&](const auto& entry) { return entry.get() == gone; });
}

// Handles are opaque: an address in no arena, so that a miniport that looks inside faults.
void* opaque(std::uint64_t kind, std::uint64_t number) { return reinterpret_cast<void*>(kind << 32 | number << 4); }

}  // namespace

void* DeferredWork::initialize_timer(CodePlace where) {
  timers_.push_back(std::make_unique<TimerEntry>(adapter_, opaque(0x7113, ++next_handle_), where));
  return timers_.back()->handle;
}

DeferredStatus DeferredWork::request_timer(void* handle, PHW_TIMER_EX routine, void* context, std::uint64_t microseconds) {
  TimerEntry* timer = find_handle(timers_, handle);
  if (timer == nullptr) return DeferredStatus::unknown;
  Timeline& timeline = adapter_.services().scheduler.timeline();
  if (microseconds == 0) {  // DOC: ST-96 0 cancels
    timeline.cancel(*timer);
    adapter_.services().scheduler.cancel_dpc(*timer);
    return DeferredStatus::ok;
  }
  if (timer->pending() || timer->queued()) return DeferredStatus::busy;
  timer->routine = routine;
  timer->context = context;
  constexpr std::uint64_t kLongest = std::uint64_t{1} << 50;  // 35 years
  timeline.schedule(*timer, std::min(microseconds, kLongest) * kMicrosecond);
  return DeferredStatus::ok;
}

DeferredStatus DeferredWork::free_timer(void* handle) {
  TimerEntry* timer = find_handle(timers_, handle);
  if (timer == nullptr) return DeferredStatus::unknown;
  drop(timers_, timer);
  return DeferredStatus::ok;
}

void* DeferredWork::initialize_worker(CodePlace where) {
  workers_.push_back(std::make_unique<WorkerEntry>(adapter_, opaque(0x304B, ++next_handle_), where));
  return workers_.back()->handle;
}

DeferredStatus DeferredWork::queue_worker(void* handle, PHW_WORKITEM routine, void* context) {
  WorkerEntry* worker = find_handle(workers_, handle);
  if (worker == nullptr) return DeferredStatus::unknown;
  if (worker->queued) return DeferredStatus::busy;
  worker->queued = true;
  worker->routine = routine;
  worker->context = context;
  Scheduler& scheduler = adapter_.services().scheduler;
  scheduler.queue_task(*worker, scheduler.cpu().index);
  return DeferredStatus::ok;
}

DeferredStatus DeferredWork::free_worker(void* handle) {
  WorkerEntry* worker = find_handle(workers_, handle);
  if (worker == nullptr) return DeferredStatus::unknown;
  if (worker->queued) return DeferredStatus::busy;
  drop(workers_, worker);
  return DeferredStatus::ok;
}

// The stack of the call that made it is long gone: only its place is told.
std::vector<DeferredWork::Leak> DeferredWork::leaks() const {
  std::vector<Leak> found;
  const auto add = [&](const char* what, CodePlace w) { found.push_back({what, {w.rip, 0, 0, w.is_return_address}}); };
  for (const auto& timer : timers_) add("a timer from StorPortInitializeTimer was never freed", timer->where);
  for (const auto& worker : workers_) add("a work item from StorPortInitializeWorker was never freed", worker->where);
  return found;
}

}  // namespace drydock::storport
