#pragma once
// The rules, one a file. A rule observes trace events, keeps what state it needs, and reports in the driver author's words.

#include "verifier/finding_log.h"

namespace drydock {

class BrokenRules final : public Rule {
 public:
  using Rule::Rule;
  void observe(const TraceEvent& event) override;
};

class ForbiddenTouches final : public Rule {
 public:
  using Rule::Rule;
  void observe(const TraceEvent& event) override;
};

class DeviceReach final : public Rule {
 public:
  using Rule::Rule;
  void observe(const TraceEvent& event) override;
};

}  // namespace drydock
