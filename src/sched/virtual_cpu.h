#pragma once
// VirtualCpu and what can be waiting for one: interrupts, DPCs, threads. All of it is data; the Scheduler acts.

#include <cstdint>
#include <string>

#include "sched/fiber.h"
#include "sched/irql.h"
#include "sched/process_context.h"

namespace drydock {

class Scheduler;

/// A first-in first-out list through the members' own `next`.
template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == nullptr; }
  void push(T& item) {
    item.next = nullptr;
    (tail_ ? tail_->next : head_) = &item;
    tail_ = &item;
  }
  void push_front(T& item) {
    item.next = head_;
    head_ = &item;
    if (tail_ == nullptr) tail_ = &item;
  }
  T* pop() {
    T* item = head_;
    if (item != nullptr && (head_ = item->next) == nullptr) tail_ = nullptr;
    return item;
  }
  bool remove(T& item) {
    for (T *at = head_, *before = nullptr; at != nullptr; before = at, at = at->next)
      if (at == &item) {
        (before ? before->next : head_) = at->next;
        if (tail_ == at) tail_ = before;
        return true;
      }
    return false;
  }
  T* front() const { return head_; }

 private:
  T* head_ = nullptr;
  T* tail_ = nullptr;
};

/// Something an interrupt is connected to. An edge (a message) is served once however often it was raised meanwhile; a
/// level is served again as long as it is asserted.
class InterruptSource {
 public:
  explicit InterruptSource(unsigned cpu, Irql level = kDeviceLevel) : cpu_index(cpu), irql(level) {}
  /// Runs at `irql` on the CPU, on the stack of whatever was interrupted.
  virtual void service() = 0;

  unsigned cpu_index;
  Irql irql;
  bool pending = false;
  bool asserted = false;  ///< level-triggered and still held
  InterruptSource* next = nullptr;

 protected:
  ~InterruptSource() = default;
};

/// Work at DISPATCH_LEVEL. Queues once; may queue itself again while it runs.
class Dpc {
 public:
  virtual void run() = 0;
  bool queued() const { return queued_; }
  Dpc* next = nullptr;

 protected:
  ~Dpc() = default;

 private:
  friend class Scheduler;
  bool queued_ = false;
};

/// Work at PASSIVE_LEVEL on a system thread; may block.
class Task {
 public:
  virtual void run() = 0;
  Task* next = nullptr;

 protected:
  ~Task() = default;
};

/// A Windows thread: a fiber, and the address a driver reads at gs:[188h].
struct Thread {
  Thread(Scheduler& owner, std::string name) : scheduler(owner), fiber(std::move(name)) {}
  Scheduler& scheduler;
  Fiber fiber;
  Task* task = nullptr;
  unsigned cpu_index = 0;
  void* kthread = nullptr;
  const ProcessContext* process = nullptr;  ///< whose user memory it sees; null: nobody's, as in the system process
  bool blocked = false;
  Thread* next = nullptr;
};

struct VirtualCpu {
  VirtualCpu(Scheduler& owner, unsigned number)
      : scheduler(owner), index(number), bit(std::uint64_t{1} << number), idle("cpu " + std::to_string(number)) {}
  /// What waits is to be served at this level: deliverable when the CPU is below it.
  void note_waiting() { wanted = interrupts.front() != nullptr ? interrupts.front()->irql : dpcs.empty() ? kPassiveLevel : kDispatchLevel; }

  Scheduler& scheduler;
  unsigned index;
  std::uint64_t bit;           ///< in sets of CPUs
  Irql irql = kPassiveLevel;
  Irql wanted = kPassiveLevel; ///< by the first interrupt, or the DPCs; kPassiveLevel: nothing waits
  bool interrupts_off = false;  ///< cli
  Fiber idle;                  ///< where interrupts and DPCs run when no thread does
  Fiber* current = nullptr;    ///< the fiber that owns this CPU; null: nothing runs
  Thread* thread = nullptr;    ///< the thread of `current`; null on the idle fiber
  Fifo<Thread> ready;
  Fifo<InterruptSource> interrupts;
  Fifo<Dpc> dpcs;
  void* gs_page = nullptr;     ///< what gs: shows the driver on this CPU
};

}  // namespace drydock
