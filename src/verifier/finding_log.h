#pragma once
// FindingLog: what the driver did against the rules, as people read it. Rules (verifier/rules, one a file) observe trace
// events and report. The same rule at the same place is one finding: the first occurrence and the second are told in their
// own words (with their SRB numbers), from there on they are counted. What has no place is known by its words without
// their numbers. The driver's stack is taken at the moment of the first, its names when somebody asks for the list. A rule
// that the user allows to be broken is only counted.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace/trace.h"

namespace drydock {

/// Who can walk the driver's stack from a place.
class StackSource {
 public:
  /// Innermost first; the first entry is the place itself. Empty when the place is unknown.
  virtual std::vector<std::uint64_t> stack_at(const CodePlace& place) = 0;

 protected:
  ~StackSource() = default;
};

struct RecordedFinding {
  std::string rule, code, message;
  std::vector<std::uint64_t> stack;   ///< instruction, then return addresses
  bool first_is_return = true;
  std::uint64_t count = 1;
  std::string second;  ///< what was told the second time, if it differs from the first
  std::vector<RelatedStack> related = {};
};

class FindingLog;

/// One documented rule, or a family that is told by one kind of event.
class Rule : public TraceObserver {
 public:
  explicit Rule(FindingLog& log) : log_(log) {}
  virtual ~Rule() = default;

 protected:
  FindingLog& log_;
};

class FindingLog final : public TraceObserver {
 public:
  static constexpr std::size_t kFindingsMax = 1000;

  explicit FindingLog(StackSource& stacks);
  ~FindingLog();
  void observe(const TraceEvent& event) override;
  /// From here on findings of `rule` are counted and not listed.
  void allow(std::string_view rule) { allowed_.try_emplace(std::string(rule), 0); }
  /// The one place where every finding passes.
  void report(std::string_view rule, std::string_view code, std::string message, const CodePlace& where,
              std::vector<RelatedStack> related = {});

  const std::vector<RecordedFinding>& findings() const { return findings_; }
  /// The allowed rules, and how often each was broken.
  const std::map<std::string, std::uint64_t, std::less<>>& allowed() const { return allowed_; }
  /// Distinct findings beyond the limit.
  std::uint64_t dropped() const { return dropped_; }

 private:
  using Key = std::pair<std::string, std::string>;  ///< rule, and the place or the words
  StackSource& stacks_;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<RecordedFinding> findings_;
  std::map<Key, std::size_t> known_;
  std::map<std::string, std::uint64_t, std::less<>> allowed_;
  std::uint64_t dropped_ = 0;
};

/// Every rule there is.
std::vector<std::unique_ptr<Rule>> all_rules(FindingLog& log);

}  // namespace drydock
