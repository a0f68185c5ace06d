#include "report_rules.h"

#include <gtest/gtest.h>

#include "sample_report_for_tests.h"

namespace drydock {
namespace {

Finding finding(const char* rule, const char* code) { return {rule, code, "words", "", {}, 1, "", "", 0}; }

TEST(ReportedRule, every_kind_of_finding_has_an_id_and_a_text) {
  const std::pair<Finding, const char*> rows[] = {{finding("ST-42", ""), "ST-42"}, {finding("bug check", "0x50"), "bug-check/0x50"},
                                                  {finding("bug check", "0xdead"), "bug-check/0xdead"}, {finding("self-check", ""), "self-check"}};
  for (const auto& [found, id] : rows) {
    const ReportedRule rule = rule_of(found, RuleBook::get());
    EXPECT_EQ(rule.id, id);
    EXPECT_FALSE(rule.text.empty()) << id;
  }
  EXPECT_TRUE(rule_of(finding("bug check", "0xdead"), RuleBook::get()).address.empty());
}

TEST(AllTold, a_crash_with_a_finding_is_not_told_twice) {
  RunEnded ended = sample_end();
  ended.report.outcome = Outcome::driver_crashed;
  EXPECT_EQ(all_told(ended).size(), ended.report.findings.size());
  ended.report.findings.clear();
  EXPECT_EQ(all_told(ended).size(), 1u);
}

TEST(PlaceOf, is_relative_below_the_root_and_nowhere_else) {
  EXPECT_EQ(place_of("/a/b/../c.c", "/a").path, "c.c");
  EXPECT_TRUE(place_of("/a/c.c", "/a/").relative);
  EXPECT_FALSE(place_of("/ab/c.c", "/a").relative);
  EXPECT_TRUE(place_of("sub/c.c", "/a").relative);
  EXPECT_FALSE(place_of("C:\\x\\c.c", "/a").relative);
}

}  // namespace
}  // namespace drydock
