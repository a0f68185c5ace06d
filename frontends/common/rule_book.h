#pragma once
// The rules of docs/spec.md for people and programs: each with its text in plain words, whom it binds, and the addresses
// of the documentation pages it was distilled from. The catalogue is inside the program.

#include <string>
#include <string_view>
#include <vector>

namespace drydock {

struct DocumentedRule {
  enum class Whose { windows, driver, both, nobody };

  std::string id;       ///< "ST-43"
  Whose whose = Whose::nobody;
  std::string chapter;  ///< "Storport: data buffers"
  std::string text;     ///< one paragraph, without marks
  std::vector<std::string> pages;  ///< Microsoft's, by file name
  std::vector<std::string> see;    ///< other rules: "H-19"

  unsigned bug_check = 0;      ///< the code this rule explains; 0: none
  std::string bug_check_name;  ///< and what Microsoft calls it: "DRIVER_IRQL_NOT_LESS_OR_EQUAL"
  struct Range {
    unsigned first, last;
  };
  unsigned chapter_code = 0;         ///< the bug check by which its chapter's rules are told; 0: none
  std::vector<Range> parameters;     ///< parameter 1 of that bug check, when it is this rule
};

class RuleBook {
 public:
  static const RuleBook& get();
  /// For tests: any text of the form of docs/spec.md, and of docs/pages.txt.
  RuleBook(std::string_view spec, std::string_view pages);

  const std::vector<DocumentedRule>& rules() const { return rules_; }
  /// Regardless of case and leading zeros: "st-43" is ST-43. nullptr: no such rule.
  const DocumentedRule* find(std::string_view id) const;
  /// What the bug check itself means; nullptr: not in the catalogue.
  const DocumentedRule* bug_check(unsigned code) const;
  /// The same by its name, regardless of case.
  const DocumentedRule* bug_check_named(std::string_view name) const;
  /// Rules told by this bug check with this parameter 1, or with any.
  std::vector<const DocumentedRule*> told_by(unsigned code) const;
  std::vector<const DocumentedRule*> told_by(unsigned code, unsigned parameter) const;
  /// Rules that speak of a routine, by its name or its page.
  std::vector<const DocumentedRule*> about(std::string_view routine, std::string_view page) const;
  /// The address of one of Microsoft's pages; empty for a page that was withdrawn.
  std::string address_of(std::string_view page) const;

 private:
  void read_rule(std::string_view line, std::string_view part, std::string_view chapter);
  void read_citation(std::string_view citation, DocumentedRule& rule) const;
  std::string whole_page(std::string page, const std::vector<std::string>& before) const;
  bool is_known(std::string_view page) const;

  std::vector<DocumentedRule> rules_;
  std::vector<std::string> places_;  ///< "storage/full-duplex-mode", sorted
};

/// A code as drydock prints it, "0xF1/0x2004" or "0xd1", or as people write it, "D1"; nothing when it is no such thing.
struct BugCheckCode {
  unsigned code = 0, parameter = 0;
  bool has_parameter = false;
};
bool parse_bug_check_code(std::string_view text, BugCheckCode& code);

}  // namespace drydock
