#pragma once
// Rescan: what the miniport said may have come or gone, until the class layer has looked. A miniport tells at any IRQL;
// the look itself is SRBs that are waited for, so it is a task of a system thread. What is told meanwhile is looked at
// next; what is told before anybody watches is kept until somebody does. DOC: ST-120 ST-125

#include <cstdint>
#include <vector>

#include "sched/virtual_cpu.h"

namespace drydock::storport {

class Adapter;

/// The part of an adapter's bus that may have changed.
struct BusScope {
  enum class Of : std::uint8_t { adapter, path, target, unit };
  Of of = Of::adapter;
  std::uint8_t path = 0, target = 0, lun = 0;

  bool covers_path(unsigned p) const { return of == Of::adapter || p == path; }
  bool covers_target(unsigned p, unsigned t) const { return covers_path(p) && (of <= Of::path || t == target); }
  bool covers(unsigned p, unsigned t, unsigned l) const { return covers_target(p, t) && (of != Of::unit || l == lun); }
};

/// The class layer's side.
class BusWatcher {
 public:
  /// On a system thread at PASSIVE_LEVEL; one call at a time for an adapter.
  virtual void bus_changed(Adapter& adapter, const BusScope& scope) = 0;

 protected:
  ~BusWatcher() = default;
};

class Rescan final : public Task {
 public:
  explicit Rescan(Adapter& adapter) : adapter_(adapter) {}

  /// `state_change`: DeferredWork hears when this has been looked at.
  void ask(const BusScope& scope, bool state_change = false);
  void watch(BusWatcher& watcher);
  /// Nothing is looked at any more; waits for a look in progress. On a system thread.
  void end();
  void run() override;

 private:
  struct Asked {
    BusScope scope;
    bool state_change;
  };
  static constexpr std::size_t kAskedMax = 16;  ///< beyond it, one look at everything is cheaper
  void start();

  Adapter& adapter_;
  BusWatcher* watcher_ = nullptr;
  std::vector<Asked> asked_;
  bool running_ = false;            ///< queued, or looking
  Thread* waits_for_end_ = nullptr;
};

}  // namespace drydock::storport
