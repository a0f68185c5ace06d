#include "io/kernel_threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace drydock {

/// The object: pool of the size of Windows' own, with the header that waits look at.
class KernelThreads::Object final : public CountedObject {
 public:
  Object(KernelThreads& owner, void* body) : CountedObject(CountedKind::thread, body), owner_(owner) {}
  ~Object() override { owner_.forget(*this); }

 private:
  KernelThreads& owner_;
};

struct KernelThreads::SystemThread final : Task {
  SystemThread(KernelThreads& o, CountedObject& its_object, DISPATCHER_HEADER& its_header, Routine r, void* c, CodePlace w)
      : owner(o), object(its_object), header(its_header), routine(r), context(c), where(w) {}
  void run() override {
    thread = owner.scheduler_.thread();
    owner.books_.erase(thread);
    void* outer = owner.scheduler_.show_thread_object(const_cast<void*>(object.address));
    owner.call_.thread("KSTART_ROUTINE", routine, context);
    owner.check_end(owner.book(), *this);
    owner.scheduler_.show_thread_object(outer);
    owner.books_.erase(thread);
    thread = nullptr;
    owner.ended(*this);  // which is the end of this object
  }
  KernelThreads& owner;
  CountedObject& object;
  DISPATCHER_HEADER& header;
  Routine routine;
  void* context;
  CodePlace where;
  NTSTATUS status = 0;
  Thread* thread = nullptr;
  bool over = false;
};

KernelThreads::KernelThreads(Scheduler& scheduler, Pool& pool, DriverCall& call, Trace& trace, Dispatcher& dispatcher, ObjectTable& objects)
    : scheduler_(scheduler), pool_(pool), call_(call), trace_(trace), dispatcher_(dispatcher), objects_(objects) {}

KernelThreads::~KernelThreads() = default;

CountedObject* KernelThreads::create(Routine routine, void* context, CodePlace where) {
  void* body = pool_.allocate(kThreadObjectBytes, PoolKind::nonpaged, kThreadTag);
  if (body == nullptr) return nullptr;
  std::memset(body, 0, kThreadObjectBytes);
  auto& header = *static_cast<DISPATCHER_HEADER*>(body);
  Dispatcher::initialize(header, reinterpret_cast<std::uint64_t>(body), DispatcherKind::thread, sizeof header, 0);
  CountedObject& object = objects_.add(std::make_unique<Object>(*this, body));
  threads_.push_back(std::make_unique<SystemThread>(*this, object, header, routine, context, where));
  scheduler_.queue_task(*threads_.back(), static_cast<unsigned>(scheduler_.choose().below(scheduler_.cpu_count())));
  return &object;
}

KernelThreads::SystemThread* KernelThreads::current() const {
  const Thread* self = scheduler_.thread();
  const auto at = std::find_if(threads_.begin(), threads_.end(), [&](const auto& t) { return self != nullptr && t->thread == self; });
  return at == threads_.end() ? nullptr : at->get();
}

void KernelThreads::end_current(NTSTATUS status) {
  current()->status = status;
  abort_driver_call(scheduler_.fiber(), AbortReason::requested);
}

// The records of threads that have ended stay as long as their objects: the exit status may be asked for.
void KernelThreads::ended(SystemThread& thread) {
  thread.over = true;
  thread.header.SignalState = 1;
  dispatcher_.signalled(thread.header);
  objects_.dereference(thread.object);
}

void KernelThreads::forget(const CountedObject& object) {
  std::erase_if(threads_, [&](const auto& thread) { return &thread->object == &object; });
  (void)pool_.free(reinterpret_cast<std::uint64_t>(object.address));
}

// DOC: VER-165 VER-173
void KernelThreads::check_end(const ThreadBook& book, const SystemThread& thread) {
  const CodePlace routine{.rip = reinterpret_cast<std::uint64_t>(thread.routine), .rsp = 0, .rbp = 0, .is_return_address = false};
  if (!book.mutexes.empty())
    trace_.emit(RuleBroken{"VER-173", "0x4000008A", fmt::format("a system thread ended while it owned {} mutex{}", book.mutexes.size(),
                                                               book.mutexes.size() == 1 ? "" : "es"), routine});
  else if (book.normal_apcs_off != 0 || book.special_apcs_off != 0)
    trace_.emit(RuleBroken{"VER-165", "0x1", "a system thread ended inside a critical or guarded region", routine});
}

std::optional<NTSTATUS> KernelThreads::exit_status(const CountedObject& object) const {
  for (const auto& thread : threads_)
    if (&thread->object == &object) return thread->over ? std::optional(thread->status) : std::nullopt;
  return std::nullopt;
}

ThreadBook& KernelThreads::book() { return books_[scheduler_.thread()]; }

std::uint32_t KernelThreads::id_of(const Thread* thread) {
  auto at = std::find(ids_.begin(), ids_.end(), thread);
  if (at == ids_.end()) at = ids_.insert(ids_.end(), thread);
  return static_cast<std::uint32_t>(at - ids_.begin() + 2) * 4;
}

std::vector<KernelThreads::Living> KernelThreads::living() const {
  std::vector<Living> found;
  for (const auto& thread : threads_)
    if (!thread->over) found.push_back({reinterpret_cast<std::uint64_t>(thread->routine), thread->where, thread->thread});
  return found;
}

}  // namespace drydock
