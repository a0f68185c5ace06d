#pragma once
// Dispatcher: waiting for events, semaphores, mutexes, timers and threads. The DISPATCHER_HEADER in the object is the only
// storage of its state; here is only who waits. An object is known by drydock's alias of its header, so that every address
// the driver may use for it is one object. Waits are satisfied in the order in which they began; a wait for all objects
// takes none before it can take all.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "abi/wdk.h"
#include "sched/scheduler.h"
#include "trace/code_place.h"

namespace drydock {

/// DISPATCHER_HEADER.Type. ASSUMED: the numbers behind EVENT_TYPE's two, which no page lists. dispatcher_test: AnObjectKnowsWhatItIs
enum class DispatcherKind : UCHAR {
  notification_event = 0,
  synchronization_event = 1,
  mutex = 2,
  semaphore = 5,
  thread = 6,
  notification_timer = 8,
  synchronization_timer = 9,
};

constexpr bool is_event(DispatcherKind kind) { return kind <= DispatcherKind::synchronization_event; }
constexpr bool is_timer(DispatcherKind kind) { return kind >= DispatcherKind::notification_timer; }

/// Which wait, in the driver's words.
struct WaitInProgress {
  std::string_view routine;
  CodePlace place;
};

enum class WaitEnd : std::uint8_t {
  satisfied,
  timed_out,
  hopeless,  ///< nothing can end it any more, or it has lasted longer than any wait of a driver should
};

struct Waited {
  WaitEnd end = WaitEnd::timed_out;
  unsigned index = 0;  ///< of the object that satisfied a wait for any
};

class Dispatcher {
 public:
  /// ASSUMED: a request that waits ten minutes of the machine's time waits for ever. dispatcher_test: AWaitForTooLongIsHopeless
  static constexpr Nanoseconds kPatience = 600 * kSecond;

  explicit Dispatcher(Scheduler& scheduler) : scheduler_(scheduler) {}
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// `address` is the driver's, `bytes` the object's size.
  static void initialize(DISPATCHER_HEADER& header, std::uint64_t address, DispatcherKind kind, std::size_t bytes, LONG state);
  /// Was the object at `address` initialised there?
  static bool is_initialized(const DISPATCHER_HEADER& header, std::uint64_t address);
  static DispatcherKind kind_of(const DISPATCHER_HEADER& header) { return static_cast<DispatcherKind>(header.Type); }

  /// The state went up: lets go who can go now.
  void signalled(DISPATCHER_HEADER& header);
  /// The old state.
  LONG set_event(KEVENT& event);
  LONG pulse_event(KEVENT& event);
  /// Gives up one of the running thread's acquisitions; the old state. The thread owns the mutex.
  LONG release_mutex(KMUTEX& mutex);

  /// Takes what is wanted if it is there, else blocks the running thread (below DISPATCH_LEVEL) unless `time` is 0. Without
  /// a time: for ever, but not longer than kPatience when somebody needs the thread (`urgent`).
  Waited wait(std::span<DISPATCHER_HEADER* const> objects, bool all, std::optional<Nanoseconds> time, bool urgent, const WaitInProgress& which);

  /// Nothing happens any more on the machine: ends the wait of this thread as hopeless. False: it does not wait here.
  bool give_up(const Thread& thread);
  /// Null: it does not wait here.
  const WaitInProgress* wait_of(const Thread& thread) const;
  /// Does anybody wait for an object in [address, +size) of drydock's alias?
  bool awaited(const void* alias, std::uint64_t size) const;

  /// Could the thread take the object now, and taking it.
  bool may_take(const DISPATCHER_HEADER& header, const Thread& thread) const;
  void take(DISPATCHER_HEADER& header, const Thread& thread);

 private:
  struct Waiter;
  std::optional<unsigned> ready(const Waiter& waiter) const;
  void take_all(Waiter& waiter);
  Waiter* first_ready(const DISPATCHER_HEADER& header) const;
  void end(Waiter& waiter, Waited how);
  void enqueue(Waiter& waiter);
  void dequeue(Waiter& waiter);

  Scheduler& scheduler_;
  std::map<const DISPATCHER_HEADER*, std::vector<Waiter*>> waiters_;
};

/// A driver's timeout in 100 ns units: negative from now on, positive since 1601, 0 not at all.
Nanoseconds time_until(LONGLONG timeout, std::uint64_t system_time);

}  // namespace drydock
