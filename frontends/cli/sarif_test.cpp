#include "sarif.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sample_report_for_tests.h"

namespace drydock {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

class Sarif : public testing::Test {
 protected:
  Sarif() { setenv("GITHUB_WORKSPACE", "/src", 1); }
  ~Sarif() override { unsetenv("GITHUB_WORKSPACE"); }
  static Json run(const RunEnded& ended) { return Json::parse(sarif_report(sample_request(), ended)).at("runs").at(0); }
};

TEST_F(Sarif, a_finding_is_a_result_at_the_line_below_the_root_of_the_sources) {
  const Json result = run(sample_end()).at("results").at(0);
  EXPECT_EQ(result.at("ruleId"), "ST-42");
  EXPECT_EQ(result.at("occurrenceCount"), 3);
  const Json place = result.at("locations").at(0).at("physicalLocation");
  EXPECT_EQ(place.at("artifactLocation").at("uri"), "my.c");
  EXPECT_EQ(place.at("artifactLocation").at("uriBaseId"), "SRCROOT");
  EXPECT_EQ(place.at("region").at("startLine"), 20);
  EXPECT_EQ(result.at("stacks").at(0).at("frames").size(), 2u);
}

TEST_F(Sarif, a_finding_without_a_line_lies_in_the_driver) {
  const Json result = run(sample_end()).at("results").at(1);
  EXPECT_EQ(result.at("locations").at(0).at("physicalLocation").at("artifactLocation").at("uri"), "out/my.sys");
  EXPECT_EQ(result.at("locations").at(0).at("message").at("text"), "my.sys+0x1234");
  EXPECT_EQ(result.at("properties").at("bugCheck"), "0xF1/0x2004");
}

TEST_F(Sarif, each_rule_is_described_once_with_its_page) {
  RunEnded ended = sample_end();
  ended.report.findings.push_back(ended.report.findings[0]);
  const Json json = run(ended);
  const Json rules = json.at("tool").at("driver").at("rules");
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].at("helpUri"), "https://learn.microsoft.com/windows-hardware/drivers/ddi/storport/nc-storport-hw_buildio");
  EXPECT_THAT(rules[0].at("help").at("text").get<std::string>(), HasSubstr("must not be dereferenced"));
  for (const Json& result : json.at("results")) EXPECT_EQ(rules.at(result.at("ruleIndex").get<std::size_t>()).at("id"), result.at("ruleId"));
}

TEST_F(Sarif, sources_outside_the_root_and_of_windows_are_absolute) {
  RunEnded ended = sample_end();
  ended.report.findings[0].source_file = "/other/my drv.c";
  ended.report.findings[1].source_file = "C:\\build\\my.c";
  const Json results = run(ended).at("results");
  const auto uri = [&](int i) { return results.at(static_cast<std::size_t>(i)).at("locations").at(0).at("physicalLocation").at("artifactLocation").at("uri"); };
  EXPECT_EQ(uri(0), "file:///other/my%20drv.c");
  EXPECT_EQ(uri(1), "file:///C:/build/my.c");
}

TEST_F(Sarif, a_run_that_did_not_start_says_why_and_was_not_successful) {
  const Json json = run(failed_start(Outcome::refused, "HwFindAdapter returned SP_RETURN_NOT_FOUND"));
  const Json invocation = json.at("invocations").at(0);
  EXPECT_FALSE(invocation.at("executionSuccessful").get<bool>());
  EXPECT_EQ(invocation.at("exitCode"), 3);
  EXPECT_THAT(json.at("results").at(0).at("message").at("text").get<std::string>(), HasSubstr("SP_RETURN_NOT_FOUND"));
}

TEST_F(Sarif, a_crash_is_a_result_with_the_meaning_of_its_code) {
  RunEnded ended = sample_end();
  ended.report.outcome = Outcome::driver_crashed;
  ended.report.findings = {{"bug check", "0xd1", "the driver read 0x0 at DISPATCH_LEVEL", "my.c:9", {}, 1, "", "/src/my.c", 9}};
  const Json json = run(ended);
  EXPECT_EQ(json.at("results").size(), 1u);
  const Json rule = json.at("tool").at("driver").at("rules").at(0);
  EXPECT_EQ(rule.at("id"), "bug-check/0xd1");
  EXPECT_THAT(rule.at("fullDescription").at("text").get<std::string>(), HasSubstr("DRIVER_IRQL_NOT_LESS_OR_EQUAL"));
  EXPECT_TRUE(json.at("invocations").at(0).at("executionSuccessful").get<bool>());
}

TEST_F(Sarif, a_clean_run_has_no_results) {
  RunEnded ended = sample_end();
  ended.report.outcome = Outcome::clean;
  ended.report.findings.clear();
  EXPECT_EQ(run(ended).at("results").size(), 0u);
}

}  // namespace
}  // namespace drydock
