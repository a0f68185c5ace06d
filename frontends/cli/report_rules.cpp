#include "report_rules.h"

#include <cstdlib>
#include <filesystem>

namespace drydock {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBugCheck = "bug check", kSelfCheck = "self-check", kStart = "start", kOwnFault = "drydock";

void describe(ReportedRule& rule, const DocumentedRule& documented, const RuleBook& book) {
  rule.chapter = documented.chapter;
  rule.text = documented.text;
  for (const std::string& page : documented.pages)
    if (auto address = book.address_of(page); !address.empty()) rule.addresses.push_back(std::move(address));
  if (!rule.addresses.empty()) rule.address = rule.addresses.front();
}

std::string words_of(std::string_view id) {
  if (id == kSelfCheck) return "Data written through the driver must read back the same, and requests must succeed.";
  if (id == kStart) return "The driver must be loadable and start on the device it is put on.";
  if (id == kOwnFault) return "drydock failed by itself; please report it, with the seed.";
  return "A bug check ends the run: the driver asked for it, or did what Windows answers with one.";
}

}  // namespace

ReportedRule rule_of(const Finding& finding, const RuleBook& book) {
  ReportedRule rule;
  rule.id = finding.rule == kBugCheck ? "bug-check/" + finding.code : finding.rule;
  BugCheckCode code;
  const DocumentedRule* documented = book.find(finding.rule);
  if (documented == nullptr && parse_bug_check_code(finding.code, code)) documented = book.bug_check(code.code);
  if (documented != nullptr) describe(rule, *documented, book);
  else rule.text = words_of(finding.rule);
  return rule;
}

std::vector<Finding> all_told(const RunEnded& ended) {
  std::vector<Finding> findings = ended.report.findings;
  const Outcome outcome = ended.report.outcome;
  const bool says_why = outcome == Outcome::driver_crashed && !findings.empty();
  if (outcome < Outcome::bad_input || says_why) return findings;
  Finding why;
  why.rule = outcome == Outcome::internal_error ? kOwnFault : outcome == Outcome::driver_crashed ? kBugCheck : kStart;
  why.message = ended.report.message.empty() ? name_of(outcome) : ended.report.message;
  findings.push_back(std::move(why));
  return findings;
}

std::string source_root() {
  const char* workspace = std::getenv("GITHUB_WORKSPACE");
  std::error_code ignored;
  return workspace != nullptr && *workspace == '/' ? workspace : fs::current_path(ignored).string();
}

SourcePlace place_of(const std::string& recorded, const std::string& root) {
  const fs::path path = fs::path(recorded).lexically_normal();
  if (path.is_relative()) return {path.generic_string(), recorded.find('\\') == std::string::npos};
  const fs::path below = path.lexically_relative(fs::path(root).lexically_normal());
  const bool inside = !below.empty() && *below.begin() != "..";
  return inside ? SourcePlace{below.generic_string(), true} : SourcePlace{path.generic_string(), false};
}

}  // namespace drydock
