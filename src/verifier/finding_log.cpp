#include "verifier/finding_log.h"

#include <functional>

namespace drydock {

FindingLog::FindingLog(StackSource& stacks) : stacks_(stacks), rules_(all_rules(*this)) {}

FindingLog::~FindingLog() = default;

void FindingLog::observe(const TraceEvent& event) {
  for (auto& rule : rules_) rule->observe(event);
}

void FindingLog::report(std::string_view rule, std::string_view code, std::string message, const CodePlace& where) {
  const std::uint64_t place = where.rip != 0 ? where.rip : std::hash<std::string>{}(message);
  const auto [at, fresh] = known_.try_emplace({std::string(rule), place}, findings_.size());
  if (!fresh) {
    if (at->second < findings_.size()) ++findings_[at->second].count;
    return;
  }
  if (findings_.size() == kFindingsMax) {
    at->second = ~std::size_t{0};
    ++dropped_;
    return;
  }
  findings_.push_back({std::string(rule), std::string(code), std::move(message), stacks_.stack_at(where), where.is_return_address, 1});
}

}  // namespace drydock
