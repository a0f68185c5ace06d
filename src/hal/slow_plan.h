#pragma once
// The second planner: the same rules written the slow, obvious way. Tests and checked builds compare it with the fast one;
// nothing else uses it. It keeps the buffer as a list of small pieces and looks at one decision at a time.

#include <string>
#include <vector>

#include "hal/plan.h"

namespace drydock {

struct SlowPlan {
  Plan plan;
  std::vector<DmaElement> elements;
  std::vector<Bounce> bounces;
};

SlowPlan plan_slowly(std::span<const PageSlice> slices, const Reach& reach, RegisterRun registers, std::size_t elements_room,
                     std::size_t bounces_room);

/// Empty when `plan` and what it wrote to `out` are what the slow planner says; else the first difference.
std::string difference_from_slow_plan(std::span<const PageSlice> slices, const Reach& reach, RegisterRun registers,
                                      const PlanStorage& out, const Plan& plan);

/// CHECKs that there is no difference.
void check_against_slow_plan(std::span<const PageSlice> slices, const Reach& reach, RegisterRun registers, const PlanStorage& out,
                             const Plan& plan);

}  // namespace drydock
