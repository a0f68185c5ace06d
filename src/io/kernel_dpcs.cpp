#include "io/kernel_dpcs.h"

namespace drydock {

// --- DPCs ---------------------------------------------------------------------------------------------------------------

/// A queued DPC: at DISPATCH_LEVEL or, of a threaded one, perhaps on a thread.
struct KernelDpcs::Entry final : Dpc, Task {
  Entry(KernelDpcs& o, KDPC& a, KDPC* d) : owner(o), alias(a), address(d) {}
  void run() override { owner.run(*this); }
  KernelDpcs& owner;
  KDPC& alias;
  KDPC* address;
};

KernelDpcs::KernelDpcs(Scheduler& scheduler, DriverCall& call) : scheduler_(scheduler), call_(call), executing_(scheduler.cpu_count()) {}

KernelDpcs::~KernelDpcs() {
  for (auto& [alias, entry] : queued_) scheduler_.cancel_dpc(*entry);
}

namespace {

/// KDPC.Number: 0, or the target processor + 1.
unsigned target_of(const KDPC& dpc, unsigned here, unsigned count) { return dpc.Number == 0 || dpc.Number > count ? here : dpc.Number - 1u; }

}  // namespace

// A threaded DPC runs at PASSIVE_LEVEL or, where threaded DPCs are off, at DISPATCH_LEVEL: a driver cannot know, and here
// the seed decides each time.
bool KernelDpcs::insert(KDPC& dpc, KDPC* address, void* argument1, void* argument2) {
  if (queued(dpc)) return false;
  dpc.SystemArgument1 = argument1;
  dpc.SystemArgument2 = argument2;
  dpc.DpcData = address;
  Entry& entry = *(queued_[&dpc] = std::make_unique<Entry>(*this, dpc, address));
  const unsigned cpu = target_of(dpc, scheduler_.cpu().index, scheduler_.cpu_count());
  if (dpc.Type == kThreadedDpcType && scheduler_.choose().below(2) == 0) ++on_threads_, scheduler_.queue_task(entry, cpu);
  else if (dpc.Importance == HighImportance) scheduler_.queue_dpc_first(entry, cpu);
  else scheduler_.queue_dpc(entry, cpu);
  return true;
}

std::unique_ptr<KernelDpcs::Entry> KernelDpcs::take(Entry& entry) {
  auto taken = std::move(queued_.extract(&entry.alias).mapped());
  taken->alias.DpcData = nullptr;
  return taken;
}

// A threaded DPC that is on its way to a thread cannot be removed any more, as one that has begun.
bool KernelDpcs::remove(KDPC& dpc) {
  const auto at = queued_.find(&dpc);
  if (at == queued_.end() || !scheduler_.cancel_dpc(*at->second)) return false;
  take(*at->second);
  return true;
}

void KernelDpcs::run(Entry& entry) {
  const auto taken = take(entry);
  const KDPC dpc = taken->alias;
  const unsigned cpu = scheduler_.cpu().index;
  const bool at_dispatch = scheduler_.irql() == kDispatchLevel;
  if (at_dispatch) ++executing_[cpu];
  call_("KDEFERRED_ROUTINE", at_dispatch ? EntryKind::dpc : EntryKind::routine, dpc.DeferredRoutine, taken->address, dpc.DeferredContext, dpc.SystemArgument1,
        dpc.SystemArgument2);
  at_dispatch ? --executing_[cpu] : --on_threads_;
}

void KernelDpcs::flush() {
  struct Last final : Dpc {
    void run() override {
      if (--*left == 0) scheduler->wake(*thread);
    }
    unsigned* left = nullptr;
    Scheduler* scheduler = nullptr;
    Thread* thread = nullptr;
  };
  const unsigned count = scheduler_.cpu_count();
  std::vector<Last> last(count);
  unsigned left = count;
  for (unsigned cpu = 0; cpu < count; ++cpu) {
    last[cpu].left = &left;
    last[cpu].scheduler = &scheduler_;
    last[cpu].thread = scheduler_.thread();
    scheduler_.queue_dpc(last[cpu], cpu);
  }
  scheduler_.block();
  while (on_threads_ != 0) scheduler_.sleep(10 * kMicrosecond);
}

std::vector<KernelDpcs::Queued> KernelDpcs::all_queued() const {
  std::vector<Queued> found;
  for (const auto& [alias, entry] : queued_)
    found.push_back({alias, reinterpret_cast<std::uint64_t>(entry->address), reinterpret_cast<std::uint64_t>(alias->DeferredRoutine), {}});
  return found;
}

// --- timers -------------------------------------------------------------------------------------------------------------

struct KernelTimers::Entry final : Event {
  Entry(KernelTimers& o, KTIMER& a) : owner(o), alias(a) {}
  ~Entry() override = default;
  void fire() override { owner.fire(*this); }
  KernelTimers& owner;
  KTIMER& alias;
  KTIMER* address = nullptr;
  KDPC* dpc_alias = nullptr;
  CodePlace where;
};

KernelTimers::KernelTimers(Scheduler& scheduler, Dispatcher& dispatcher, KernelDpcs& dpcs) : scheduler_(scheduler), dispatcher_(dispatcher), dpcs_(dpcs) {}

KernelTimers::~KernelTimers() = default;

bool KernelTimers::set(KTIMER& timer, KTIMER* address, Nanoseconds due, ULONG period, KDPC* dpc, KDPC* dpc_alias, CodePlace where) {
  const bool was_set = cancel(timer);
  auto& entry = entries_[&timer];
  if (!entry) entry = std::make_unique<Entry>(*this, timer);
  entry->address = address;
  entry->dpc_alias = dpc_alias;
  entry->where = where;
  timer.Header.SignalState = 0;
  timer.Header.Inserted = TRUE;
  timer.Dpc = dpc;
  timer.Period = period;
  timer.DueTime.QuadPart = (scheduler_.now() + due) / 100;
  scheduler_.timeline().schedule(*entry, due);
  return was_set;
}

void KernelTimers::fire(Entry& entry) {
  KTIMER& timer = entry.alias;
  timer.Header.SignalState = 1;
  timer.Header.Inserted = FALSE;
  if (timer.Period != 0) {
    timer.Header.Inserted = TRUE;
    scheduler_.timeline().schedule(entry, timer.Period * kMillisecond);
  }
  KDPC* dpc = timer.Dpc;
  KDPC* dpc_alias = entry.dpc_alias;
  dispatcher_.signalled(timer.Header);
  if (dpc != nullptr) dpcs_.insert(*dpc_alias, dpc, nullptr, nullptr);
}

bool KernelTimers::cancel(KTIMER& timer) {
  const auto at = entries_.find(&timer);
  if (at == entries_.end()) return false;
  const bool was_set = at->second->pending();
  entries_.erase(at);
  timer.Header.Inserted = FALSE;
  return was_set;
}

bool KernelTimers::active(const KTIMER& timer) const {
  const auto at = entries_.find(&timer);
  return at != entries_.end() && at->second->pending();
}

std::vector<KernelTimers::Active> KernelTimers::all_active() const {
  std::vector<Active> found;
  for (const auto& [alias, entry] : entries_)
    if (entry->pending()) found.push_back({alias, reinterpret_cast<std::uint64_t>(entry->address), entry->where});
  return found;
}

}  // namespace drydock
