#pragma once
// FaultPlan: which faults one device suffers, and when. Every choice follows from a fault's seed and the opportunities it
// has had, so that a run with faults is as repeatable as one without. Who has no plan passes a null pointer along: that
// costs a branch that is never taken.

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/seeded.h"
#include "fault/fault_point.h"
#include "trace/trace.h"

namespace drydock {

/// One `--fault NAME[=rate][@seed]`.
struct FaultSpec {
  FaultPoint point;
  std::uint64_t rate = 0;               ///< strikes in 2^32 opportunities
  std::uint64_t only = 0;               ///< not 0: exactly this opportunity, counted from 1
  std::optional<std::uint64_t> seed{};  ///< none: the machine's
};

/// rate: "0.01", "1%" or "1/100" of the opportunities, "1" for each of them, "#7" for the seventh only.
Result<FaultSpec> parse_fault(std::string_view text);
/// All of a run. A fault named twice is refused: it would be unclear which counts.
Result<std::vector<FaultSpec>> parse_faults(std::span<const std::string> texts);

class FaultPlan {
 public:
  struct Count {
    bool planned = false;
    std::uint64_t opportunities = 0, strikes = 0;
  };

  /// `stream` tells the plans of one machine apart (the number of the device). `trace` outlives the plan.
  FaultPlan(std::span<const FaultSpec> specs, std::uint64_t machine_seed, std::uint64_t stream, Trace& trace);

  bool plans(FaultPoint point) const { return at(point).count.planned; }
  /// Is any fault of the file, or any of the device, in the plan?
  bool plans_for_file() const { return any(true); }
  bool plans_for_device() const { return any(false); }
  /// An opportunity for this fault. True: now.
  bool strikes(FaultPoint point) { return at(point).count.planned && decide(at(point)); }
  /// For the details of a strike.
  Seeded& choose(FaultPoint point) { return at(point).details; }
  const Count& count(FaultPoint point) const { return at(point).count; }
  /// From now on nothing strikes: the machine is being put away.
  void end();

 private:
  struct Planned {
    FaultSpec spec{};
    Count count;
    Seeded chance{0}, details{0};
  };
  Planned& at(FaultPoint point) { return planned_[static_cast<std::size_t>(point)]; }
  const Planned& at(FaultPoint point) const { return planned_[static_cast<std::size_t>(point)]; }
  bool any(bool of_file) const;
  bool decide(Planned& planned);

  std::array<Planned, kFaultPoints> planned_;
  Trace& trace_;
  bool ended_ = false;
};

}  // namespace drydock
