#include "verifier/finding_log.h"

#include <fmt/format.h>

namespace drydock {

FindingLog::FindingLog(StackSource& stacks) : stacks_(stacks), rules_(all_rules(*this)) {}

FindingLog::~FindingLog() = default;

void FindingLog::observe(const TraceEvent& event) {
  for (auto& rule : rules_) rule->observe(event);
}

namespace {

// "SRB 12 of 4096 bytes" and "SRB 13 of 512 bytes" say the same; so do two addresses.
std::string without_numbers(std::string_view words) {
  std::string text;
  bool in_number = false;
  for (const char c : words) {
    const bool digit = c >= '0' && c <= '9', hex = in_number && ((c >= 'a' && c <= 'f') || c == 'x');
    if (!digit && !hex) text += c;
    else if (!in_number) text += '#';
    in_number = digit || hex;
  }
  return text;
}

void count_again(RecordedFinding& known, std::string message) {
  if (++known.count == 2 && message != known.message) known.second = std::move(message);
}

}  // namespace

void FindingLog::report(std::string_view rule, std::string_view code, std::string message, const CodePlace& where,
                        std::vector<RelatedStack> related) {
  if (const auto allowed = allowed_.find(rule); allowed != allowed_.end()) {
    ++allowed->second;
    return;
  }
  const std::string place = where.rip != 0 ? fmt::format("{:x}", where.rip) : without_numbers(message);
  const auto [at, fresh] = known_.try_emplace({std::string(rule), place}, findings_.size());
  if (!fresh) {
    if (at->second < findings_.size()) count_again(findings_[at->second], std::move(message));
    return;
  }
  if (findings_.size() == kFindingsMax) {
    at->second = ~std::size_t{0};
    ++dropped_;
    return;
  }
  findings_.push_back({std::string(rule), std::string(code), std::move(message), stacks_.stack_at(where), where.is_return_address, 1, "",
                       std::move(related)});
}

}  // namespace drydock
