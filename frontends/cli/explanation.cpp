#include "explanation.h"

#include <algorithm>

#include "terminal.h"

namespace drydock {
namespace {

constexpr std::size_t kColumns = 92;

std::string_view whose(DocumentedRule::Whose whose) {
  switch (whose) {
    case DocumentedRule::Whose::windows: return "what Windows does";
    case DocumentedRule::Whose::driver: return "what a driver must do";
    case DocumentedRule::Whose::both: return "binds Windows and drivers";
    case DocumentedRule::Whose::nobody: break;
  }
  return "a fact";
}

std::string paragraph(const std::string& text) { return "  " + wrapped(text, kColumns, "  ") + '\n'; }

std::string pages_of(const DocumentedRule& rule, const RuleBook& book) {
  std::string text;
  for (const std::string& page : rule.pages) {
    const std::string address = book.address_of(page);
    text += "  " + (address.empty() ? page + "  (no longer published)" : address) + '\n';
  }
  return text.empty() ? text : "\nDocumentation\n" + text;
}

std::string told(const DocumentedRule& rule, const RuleBook& book) {
  std::string text = fmt::format("{}  {}; {}\n\n{}", rule.id, rule.chapter, whose(rule.whose), paragraph(rule.text));
  text += pages_of(rule, book);
  for (const std::string& id : rule.see)
    if (const DocumentedRule* other = book.find(id)) text += fmt::format("\nSee {}\n{}", other->id, paragraph(other->text));
  return text;
}

std::string listed(const std::vector<const DocumentedRule*>& rules) {
  std::string text;
  for (const DocumentedRule* rule : rules) text += paragraph(rule->id + "  " + rule->text);
  return text;
}

Result<std::string> code_told(const BugCheckCode& code, const RuleBook& book) {
  const DocumentedRule* meaning = book.bug_check(code.code);
  const auto rules = code.has_parameter ? book.told_by(code.code, code.parameter) : book.told_by(code.code);
  if (meaning == nullptr && rules.empty()) return refuse("bug check {:#x} is not in the catalogue of rules (docs/spec.md)", code.code);
  std::string text;
  if (code.has_parameter)
    for (const DocumentedRule* rule : rules) text += told(*rule, book) + (meaning != nullptr ? "\n" : "");
  if (meaning != nullptr) text += told(*meaning, book);
  if (code.has_parameter && rules.empty()) text += fmt::format("\nThe catalogue has no rule of its own for parameter {:#x}.\n", code.parameter);
  if (!code.has_parameter && !rules.empty()) text += "\nIts parameter 1 tells which rule was broken\n" + listed(rules);
  return text;
}

}  // namespace

Result<std::string> explanation(std::string_view what, const RuleBook& book) {
  if (const DocumentedRule* rule = book.find(what)) return told(*rule, book);
  BugCheckCode code;
  if (parse_bug_check_code(what, code)) return code_told(code, book);
  if (const DocumentedRule* meaning = book.bug_check_named(what)) return code_told({meaning->bug_check}, book);
  return refuse("'{}' is neither a rule (such as ST-43) nor a bug check (such as 0xD1, 0xF1/0x2004 or DPC_WATCHDOG_VIOLATION) that drydock knows", what);
}

}  // namespace drydock
