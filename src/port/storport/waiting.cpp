#include "port/storport/waiting.h"

#include <algorithm>
#include <utility>

namespace drydock::storport {

/// A thread in wait(): woken by the object, or by the time.
struct Waiting::Waiter final : Event {
  Waiter(Scheduler& s, Thread& t) : scheduler(s), thread(t) {}
  ~Waiter() override = default;
  void fire() override { scheduler.wake(thread); }
  Scheduler& scheduler;
  Thread& thread;
  bool satisfied = false;
};

struct Waiting::ThreadEntry final : Task {
  ThreadEntry(Waiting& o, void* h, PSTOR_THREAD_START_ROUTINE r, void* c, CodePlace w) : owner(o), handle(h), routine(r), context(c), where(w) {}
  void run() override {
    thread = owner.s_.scheduler.thread();
    owner.s_.call.thread("STOR_THREAD_START_ROUTINE", routine, context);
    thread = nullptr;
    ended = true;
    owner.signal(owner.objects_[handle]);
  }
  Waiting& owner;
  void* handle;
  PSTOR_THREAD_START_ROUTINE routine;
  void* context;
  CodePlace where;
  Thread* thread = nullptr;
  bool ended = false;
};

Waiting::Waiting(const Services& services) : s_(services) {}

Waiting::~Waiting() = default;

void Waiting::initialize_event(const void* address, STOR_EVENT& host, STOR_EVENT_TYPE type, bool signalled) {
  Object& object = objects_[address];
  object = {type == StorSynchronizationEvent, signalled, &host.Header.SignalState, {}};
  object.show();
}

// A notification event lets everybody go and stays; a synchronization event lets one go, and stays only if nobody waits.
void Waiting::signal(Object& object) {
  object.signalled = true;
  while (!object.waiters.empty() && object.signalled) {
    Waiter& first = *object.waiters.front();
    object.waiters.erase(object.waiters.begin());
    s_.scheduler.timeline().cancel(first);
    first.satisfied = true;
    if (object.resets) object.signalled = false;
    s_.scheduler.wake(first.thread);
  }
  object.show();
}

bool Waiting::set_event(const void* address) {
  const auto at = objects_.find(address);
  if (at == objects_.end()) return false;
  signal(at->second);
  return true;
}

Waited Waiting::wait(const void* address, std::optional<Nanoseconds> time) {
  const auto at = objects_.find(address);
  if (at == objects_.end()) return Waited::unknown;
  Object& object = at->second;  // of a map: it stays where it is
  if (object.signalled) {
    if (object.resets) object.signalled = false;
    object.show();
    return Waited::signalled;
  }
  if (time == Nanoseconds{0}) return Waited::timed_out;
  Waiter waiter(s_.scheduler, *s_.scheduler.thread());
  object.waiters.push_back(&waiter);
  if (time) s_.scheduler.timeline().schedule(waiter, *time);
  s_.scheduler.block();
  std::erase(object.waiters, &waiter);
  return waiter.satisfied ? Waited::signalled : Waited::timed_out;
}

// DOC: ST-194 at most one thread for each logical processor.
void* Waiting::create_thread(PSTOR_THREAD_START_ROUTINE routine, void* context, CodePlace where) {
  const auto alive = std::count_if(threads_.begin(), threads_.end(), [](const auto& t) { return !t->ended; });
  if (static_cast<std::size_t>(alive) >= s_.scheduler.cpu_count()) return nullptr;
  void* handle = reinterpret_cast<void*>(std::uint64_t{0x7EAD} << 32 | ++next_handle_ << 4);
  objects_[handle] = {};
  threads_.push_back(std::make_unique<ThreadEntry>(*this, handle, routine, context, where));
  s_.scheduler.queue_task(*threads_.back(), static_cast<unsigned>(s_.scheduler.choose().below(s_.scheduler.cpu_count())));
  return handle;
}

bool Waiting::is_thread(const void* handle) const {
  return std::any_of(threads_.begin(), threads_.end(), [&](const auto& t) { return t->handle == handle; });
}

bool Waiting::end_thread(const void* handle) {
  const Thread* self = s_.scheduler.thread();
  const auto at = std::find_if(threads_.begin(), threads_.end(), [&](const auto& t) { return self != nullptr && t->thread == self; });
  if (at == threads_.end() || (handle != nullptr && (*at)->handle != handle)) return false;
  abort_driver_call(s_.scheduler.fiber(), AbortReason::requested);
}

std::vector<std::pair<std::string, CodePlace>> Waiting::leaks() const {
  std::vector<std::pair<std::string, CodePlace>> texts;
  for (const auto& thread : threads_)
    if (!thread->ended) texts.emplace_back("a thread from StorPortCreateSystemThread never ended", thread->where);
  return texts;
}

}  // namespace drydock::storport
