#pragma once
// What a report tells, as other tools know it: each finding under a rule with an id, a text and a page. Beside the rules of
// docs/spec.md there are bug checks ("bug-check/0xD1") and what drydock found itself ("self-check", "start", "drydock").

#include <drydock/machine.h>

#include <string>
#include <vector>

#include "common/rule_book.h"
#include "report_files.h"

namespace drydock {

struct ReportedRule {
  std::string id;       ///< "ST-42", "bug-check/0xd1"
  std::string chapter;
  std::string text;     ///< in plain words
  std::string address;  ///< of the first documentation page there is; empty: none
  std::vector<std::string> addresses;
};

/// The rule a finding is filed under.
ReportedRule rule_of(const Finding& finding, const RuleBook& book);

/// The findings; where the run ended without one that says why (the driver refused, bad input, drydock's own fault), that too.
std::vector<Finding> all_told(const RunEnded& ended);

/// The source file as a CI system knows it: relative to the root of its sources ($GITHUB_WORKSPACE, else the current
/// directory) where it lies below; otherwise as recorded.
struct SourcePlace {
  std::string path;
  bool relative = false;
};
std::string source_root();
SourcePlace place_of(const std::string& recorded, const std::string& root);

}  // namespace drydock
