#pragma once
// KernelThreads: system threads of drivers, and what is kept for every thread beside its thread object: how deep it is in
// critical regions and which mutexes it owns. The object's header (a DISPATCHER_HEADER) is signalled when the thread has
// ended; object and handle outlive the thread as long as somebody refers to them.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "io/dispatcher.h"
#include "io/driver_call.h"
#include "io/object_table.h"
#include "mem/pool.h"

namespace drydock {

inline constexpr std::uint64_t kThreadObjectBytes = 0x800;
inline constexpr std::uint32_t kThreadTag = 0x65726854;  // 'Thre'

/// Of one thread, whoever it belongs to.
struct ThreadBook {
  int normal_apcs_off = 0;   ///< critical regions and mutexes
  int special_apcs_off = 0;  ///< guarded regions and guarded mutexes
  std::vector<KMUTEX*> mutexes;           ///< owned, by alias
  std::optional<Irql> irql_before_wait;   ///< a signal that was announced to be followed by a wait
  KPRIORITY priority = 8;
  std::uint64_t affinity = 0;             ///< 0: any CPU
  bool apcs_disabled(Irql irql) const { return irql >= kApcLevel || normal_apcs_off > 0 || special_apcs_off > 0; }
};

class KernelThreads {
 public:
  using Routine = void(MSABI*)(void*);

  KernelThreads(Scheduler& scheduler, Pool& pool, DriverCall& call, Trace& trace, Dispatcher& dispatcher, ObjectTable& objects);
  ~KernelThreads();

  /// Its object, which the thread itself refers to until it ends; null when memory has run out.
  CountedObject* create(Routine routine, void* context, CodePlace where);
  /// Does a driver's own thread run now?
  bool current_is_system() const { return current() != nullptr; }
  /// Ends the running thread, which is one of these: does not return.
  [[noreturn]] void end_current(NTSTATUS status);
  std::optional<NTSTATUS> exit_status(const CountedObject& object) const;

  /// Of the running thread; on no thread (a DPC on an idle CPU) that of nobody.
  ThreadBook& book();
  std::uint32_t id_of(const Thread* thread);

  struct Living {
    std::uint64_t routine;
    CodePlace created;
    const Thread* thread;
  };
  /// Those that have not ended.
  std::vector<Living> living() const;

 private:
  struct SystemThread;
  class Object;
  SystemThread* current() const;
  void ended(SystemThread& thread);
  void forget(const CountedObject& object);
  void check_end(const ThreadBook& book, const SystemThread& thread);

  Scheduler& scheduler_;
  Pool& pool_;
  DriverCall& call_;
  Trace& trace_;
  Dispatcher& dispatcher_;
  ObjectTable& objects_;
  std::vector<std::unique_ptr<SystemThread>> threads_;
  std::map<const Thread*, ThreadBook> books_;
  std::vector<const Thread*> ids_;
};

}  // namespace drydock
