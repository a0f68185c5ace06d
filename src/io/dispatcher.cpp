#include "io/dispatcher.h"

#include <algorithm>

namespace drydock {

/// A thread in wait(), on its own stack.
struct Dispatcher::Waiter final : Event {
  Waiter(Dispatcher& o, Thread& t, std::span<DISPATCHER_HEADER* const> objects_wanted, bool all_of_them, const WaitInProgress& what)
      : owner(o), thread(t), objects(objects_wanted), all(all_of_them), which(what) {}
  ~Waiter() override = default;
  void fire() override { owner.end(*this, {limited ? WaitEnd::hopeless : WaitEnd::timed_out, 0}); }
  Dispatcher& owner;
  Thread& thread;
  std::span<DISPATCHER_HEADER* const> objects;
  bool all;
  bool limited = false;  ///< the driver gave no time
  const WaitInProgress& which;
  Waited result;
};

// --- objects ------------------------------------------------------------------------------------------------------------

void Dispatcher::initialize(DISPATCHER_HEADER& header, std::uint64_t address, DispatcherKind kind, std::size_t bytes, LONG state) {
  header.Lock = 0;
  header.Type = static_cast<UCHAR>(kind);
  header.Size = static_cast<UCHAR>(bytes / sizeof(LONG));
  header.SignalState = state;
  auto* list = reinterpret_cast<LIST_ENTRY*>(address + FIELD_OFFSET(DISPATCHER_HEADER, WaitListHead));
  header.WaitListHead = {list, list};
}

bool Dispatcher::is_initialized(const DISPATCHER_HEADER& header, std::uint64_t address) {
  const auto* list = reinterpret_cast<const LIST_ENTRY*>(address + FIELD_OFFSET(DISPATCHER_HEADER, WaitListHead));
  return header.WaitListHead.Flink == list && header.WaitListHead.Blink == list && header.Size != 0;
}

static KMUTEX& mutex_of(DISPATCHER_HEADER& header) { return reinterpret_cast<KMUTEX&>(header); }

static bool owns(const DISPATCHER_HEADER& header, const Thread& thread) {
  return reinterpret_cast<const KMUTEX&>(header).OwnerThread == static_cast<const void*>(thread.kthread);
}

bool Dispatcher::may_take(const DISPATCHER_HEADER& header, const Thread& thread) const {
  return header.SignalState > 0 || (kind_of(header) == DispatcherKind::mutex && owns(header, thread));
}

void Dispatcher::take(DISPATCHER_HEADER& header, const Thread& thread) {
  switch (kind_of(header)) {
    case DispatcherKind::synchronization_event:
    case DispatcherKind::synchronization_timer: header.SignalState = 0; break;
    case DispatcherKind::semaphore: --header.SignalState; break;
    case DispatcherKind::mutex:
      --header.SignalState;
      mutex_of(header).OwnerThread = static_cast<struct _KTHREAD*>(thread.kthread);
      break;
    default: break;
  }
}

// --- signals ------------------------------------------------------------------------------------------------------------

std::optional<unsigned> Dispatcher::ready(const Waiter& waiter) const {
  const auto can = [&](const DISPATCHER_HEADER* header) { return may_take(*header, waiter.thread); };
  if (waiter.all) return std::all_of(waiter.objects.begin(), waiter.objects.end(), can) ? std::optional(0u) : std::nullopt;
  const auto at = std::find_if(waiter.objects.begin(), waiter.objects.end(), can);
  return at == waiter.objects.end() ? std::nullopt : std::optional(static_cast<unsigned>(at - waiter.objects.begin()));
}

Dispatcher::Waiter* Dispatcher::first_ready(const DISPATCHER_HEADER& header) const {
  const auto at = waiters_.find(&header);
  if (at == waiters_.end()) return nullptr;
  for (Waiter* waiter : at->second)
    if (ready(*waiter)) return waiter;
  return nullptr;
}

void Dispatcher::take_all(Waiter& waiter) {
  if (!waiter.all) return take(*waiter.objects[waiter.result.index], waiter.thread);
  for (DISPATCHER_HEADER* header : waiter.objects) take(*header, waiter.thread);
}

void Dispatcher::signalled(DISPATCHER_HEADER& header) {
  while (Waiter* waiter = first_ready(header)) {
    waiter->result = {WaitEnd::satisfied, *ready(*waiter)};
    take_all(*waiter);
    end(*waiter, waiter->result);
  }
}

LONG Dispatcher::set_event(KEVENT& event) {
  const LONG old = event.Header.SignalState;
  event.Header.SignalState = 1;
  signalled(event.Header);
  return old;
}

LONG Dispatcher::pulse_event(KEVENT& event) {
  const LONG old = set_event(event);
  event.Header.SignalState = 0;
  return old;
}

LONG Dispatcher::release_mutex(KMUTEX& mutex) {
  const LONG old = mutex.Header.SignalState++;
  if (mutex.Header.SignalState > 0) {
    mutex.OwnerThread = nullptr;
    signalled(mutex.Header);
  }
  return old;
}

// --- waits --------------------------------------------------------------------------------------------------------------

void Dispatcher::enqueue(Waiter& waiter) {
  for (const DISPATCHER_HEADER* header : waiter.objects) waiters_[header].push_back(&waiter);
}

void Dispatcher::dequeue(Waiter& waiter) {
  for (const DISPATCHER_HEADER* header : waiter.objects) {
    const auto at = waiters_.find(header);
    if (at == waiters_.end()) continue;  // named twice
    std::erase(at->second, &waiter);
    if (at->second.empty()) waiters_.erase(at);
  }
}

void Dispatcher::end(Waiter& waiter, Waited how) {
  waiter.result = how;
  dequeue(waiter);
  scheduler_.timeline().cancel(waiter);
  scheduler_.wake(waiter.thread);
}

Waited Dispatcher::wait(std::span<DISPATCHER_HEADER* const> objects, bool all, std::optional<Nanoseconds> time, bool urgent, const WaitInProgress& which) {
  Waiter waiter(*this, *scheduler_.thread(), objects, all, which);
  if (const auto index = ready(waiter)) {
    waiter.result = {WaitEnd::satisfied, *index};
    take_all(waiter);
    return waiter.result;
  }
  if (time == Nanoseconds{0}) return {WaitEnd::timed_out, 0};
  enqueue(waiter);
  waiter.limited = !time;
  if (time || urgent) scheduler_.timeline().schedule(waiter, time.value_or(kPatience));
  scheduler_.block();
  return waiter.result;
}

bool Dispatcher::give_up(const Thread& thread) {
  for (const auto& [header, waiters] : waiters_)
    for (Waiter* waiter : waiters)
      if (&waiter->thread == &thread) {
        end(*waiter, {WaitEnd::hopeless, 0});
        return true;
      }
  return false;
}

const WaitInProgress* Dispatcher::wait_of(const Thread& thread) const {
  for (const auto& [header, waiters] : waiters_)
    for (const Waiter* waiter : waiters)
      if (&waiter->thread == &thread) return &waiter->which;
  return nullptr;
}

bool Dispatcher::awaited(const void* alias, std::uint64_t size) const {
  const auto at = waiters_.lower_bound(static_cast<const DISPATCHER_HEADER*>(alias));
  return at != waiters_.end() && reinterpret_cast<std::uint64_t>(at->first) - reinterpret_cast<std::uint64_t>(alias) < size;
}

Nanoseconds time_until(LONGLONG timeout, std::uint64_t system_time) {
  constexpr LONGLONG kLongest = LONGLONG{1} << 53;  // 28 years
  if (timeout <= 0) return static_cast<Nanoseconds>(timeout < -kLongest ? kLongest : -timeout) * 100;
  const auto now = static_cast<LONGLONG>(system_time);
  return timeout <= now ? 0 : static_cast<Nanoseconds>(std::min(timeout - now, kLongest)) * 100;
}

}  // namespace drydock
