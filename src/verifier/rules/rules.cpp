#include "verifier/rules/rules.h"

namespace drydock {

std::vector<std::unique_ptr<Rule>> all_rules(FindingLog& log) {
  std::vector<std::unique_ptr<Rule>> rules;
  rules.push_back(std::make_unique<BrokenRules>(log));
  rules.push_back(std::make_unique<ForbiddenTouches>(log));
  rules.push_back(std::make_unique<DeviceReach>(log));
  return rules;
}

}  // namespace drydock
