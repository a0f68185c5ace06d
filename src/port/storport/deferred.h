#pragma once
// DeferredWork: what a miniport asked to be called back for later: DPCs, timers and work items. DOC: ST-93…ST-98. Each is
// known by the address the miniport holds (its STOR_DPC, or the handle it was given); an unknown address is an answer.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/wdk.h"
#include "port/storport/port_lock.h"
#include "port/storport/rescan.h"
#include "port/storport/services.h"

namespace drydock::storport {

class Adapter;

enum class DeferredStatus : std::uint8_t { ok, unknown, busy };

class DeferredWork {
 public:
  explicit DeferredWork(Adapter& adapter);
  ~DeferredWork();

  void initialize_dpc(STOR_DPC* address, PHW_DPC_ROUTINE routine);
  /// False: already queued. none: never initialised.
  std::optional<bool> issue_dpc(STOR_DPC* address, void* argument1, void* argument2) {
    DpcEntry* entry = find_dpc(address);
    if (entry == nullptr) [[unlikely]] return std::nullopt;
    if (entry->queued()) return false;  // DOC: ST-94
    entry->argument1 = argument1;
    entry->argument2 = argument2;
    // DOC: ST-94 never beside itself: while it runs, it is queued behind itself
    return scheduler_.queue_dpc(*entry, entry->running_on == kNotRunning ? scheduler_.cpu().index : entry->running_on);
  }
  std::optional<bool> cancel_dpc(STOR_DPC* address);
  PortLock* dpc_lock(const void* address);

  void* initialize_timer(CodePlace where = {});
  DeferredStatus request_timer(void* handle, PHW_TIMER_EX routine, void* context, std::uint64_t microseconds);
  DeferredStatus free_timer(void* handle);

  void* initialize_worker(CodePlace where = {});
  DeferredStatus queue_worker(void* handle, PHW_WORKITEM routine, void* context);
  DeferredStatus free_worker(void* handle);

  /// DOC: ST-125 one change at a time; `scope` is looked at, then the callback runs at DISPATCH_LEVEL. False: one is
  /// being processed. `routine` may be null.
  bool state_changed(PHW_STATE_CHANGE routine, void* context, STOR_ADDRESS* address, const BusScope& scope);
  void state_change_processed();

  /// Nothing is called any more.
  void stop();
  /// What the miniport did not free; texts for the leak report.
  struct Leak {
    std::string what;
    CodePlace where;
  };
  std::vector<Leak> leaks() const;

 private:
  static constexpr unsigned kNotRunning = ~0u;
  struct DpcEntry final : Dpc {
    DpcEntry(Adapter& a, STOR_DPC* at, PHW_DPC_ROUTINE r) : adapter(a), address(at), routine(r) {}
    void run() override;
    Adapter& adapter;
    STOR_DPC* address;
    PHW_DPC_ROUTINE routine;
    void* argument1 = nullptr;
    void* argument2 = nullptr;
    unsigned running_on = kNotRunning;  ///< CPU
    PortLock lock;
  };
  struct TimerEntry;
  struct WorkerEntry;
  struct StateChange;
  DpcEntry* find_dpc(const void* address) const {
    for (const auto& entry : dpcs_)
      if (entry->address == address) return entry.get();
    return nullptr;
  }
  Adapter& adapter_;
  Scheduler& scheduler_;
  std::vector<std::unique_ptr<DpcEntry>> dpcs_;
  std::vector<std::unique_ptr<TimerEntry>> timers_;
  std::vector<std::unique_ptr<WorkerEntry>> workers_;
  std::unique_ptr<StateChange> state_change_;
  std::uint64_t next_handle_ = 0;
};

}  // namespace drydock::storport
