#include "annotations.h"

#include <fmt/format.h>

#include <cstdlib>

#include "report_rules.h"

namespace drydock {
namespace {

/// What would end the line or the command is written as %0A and the like; in a property `:` and `,` too.
std::string escaped(std::string_view text, bool property) {
  std::string result;
  for (const char c : text) {
    const bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
    if (special) result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else result += c;
  }
  return result;
}

std::string annotation(const Finding& finding, const std::string& root) {
  const ReportedRule rule = rule_of(finding, RuleBook::get());
  std::string properties;
  if (!finding.source_file.empty()) properties += fmt::format("file={},", escaped(place_of(finding.source_file, root).path, true));
  if (finding.source_line != 0) properties += fmt::format("line={},", finding.source_line);
  properties += "title=" + escaped(rule.id, true);
  std::string message = finding.message;
  if (finding.source_file.empty() && !finding.driver_location.empty()) message += " (at " + finding.driver_location + ')';
  if (!rule.address.empty()) message += '\n' + rule.address;
  return fmt::format("::error {}::{}\n", properties, escaped(message, false));
}

}  // namespace

bool in_github_workflow() {
  const char* value = std::getenv("GITHUB_ACTIONS");
  return value != nullptr && std::string_view(value) == "true";
}

std::string annotations(const RunEnded& ended) {
  std::string text;
  const std::string root = source_root();
  for (const Finding& finding : all_told(ended)) text += annotation(finding, root);
  return text;
}

}  // namespace drydock
