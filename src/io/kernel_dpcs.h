#pragma once
// KernelDpcs: DPCs of drivers (KDPC) and timers (KTIMER), which queue them. Both are known by drydock's alias of the
// structure; from the moment a DPC runs its structure is the driver's again, which may free it there.

#include <map>
#include <memory>
#include <vector>

#include "io/dispatcher.h"
#include "io/driver_call.h"

namespace drydock {

/// KDPC.Type. ASSUMED: the numbers, which no page lists. kernel_dpcs_test: ADpcThatNobodyInitialisedIsToldFromOneThatIs
inline constexpr UCHAR kDpcType = 0x13, kThreadedDpcType = 0x18;

class KernelDpcs {
 public:
  KernelDpcs(Scheduler& scheduler, DriverCall& call);
  ~KernelDpcs();

  /// `address` is the driver's, `dpc` drydock's alias.
  bool insert(KDPC& dpc, KDPC* address, void* argument1, void* argument2);
  bool remove(KDPC& dpc);
  bool queued(const KDPC& dpc) const { return queued_.contains(&dpc); }
  /// Returns when all DPCs that are queued now have run; on a thread at PASSIVE_LEVEL.
  void flush();
  /// Does a DPC of a driver's run on this CPU?
  bool executing(unsigned cpu) const { return executing_[cpu] != 0; }

  struct Queued {
    const KDPC* alias;
    std::uint64_t address, routine;
    CodePlace where;
  };
  /// In order of address.
  std::vector<Queued> all_queued() const;

 private:
  struct Entry;
  std::unique_ptr<Entry> take(Entry& entry);
  void run(Entry& entry);
  Scheduler& scheduler_;
  DriverCall& call_;
  std::map<const KDPC*, std::unique_ptr<Entry>> queued_;
  std::vector<unsigned> executing_;  ///< by CPU
  unsigned on_threads_ = 0;          ///< threaded DPCs queued to a thread, or running there
};

class KernelTimers {
 public:
  KernelTimers(Scheduler& scheduler, Dispatcher& dispatcher, KernelDpcs& dpcs);
  ~KernelTimers();

  /// DOC: VER-117 the old timer is cancelled first. True: it was set. `period` in milliseconds, 0: once.
  bool set(KTIMER& timer, KTIMER* address, Nanoseconds due, ULONG period, KDPC* dpc, KDPC* dpc_alias, CodePlace where);
  bool cancel(KTIMER& timer);
  bool active(const KTIMER& timer) const;

  struct Active {
    const KTIMER* alias;
    std::uint64_t address;
    CodePlace where;
  };
  std::vector<Active> all_active() const;

 private:
  struct Entry;
  void fire(Entry& entry);
  Scheduler& scheduler_;
  Dispatcher& dispatcher_;
  KernelDpcs& dpcs_;
  std::map<const KTIMER*, std::unique_ptr<Entry>> entries_;  ///< of every timer that was ever set, for its address
};

}  // namespace drydock
