#include "junit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "sample_report_for_tests.h"

namespace drydock {
namespace {

using testing::HasSubstr;

struct Parsed {
  explicit Parsed(const RunEnded& ended, const RunRequest& request = sample_request()) {
    const std::string text = junit_report(request, ended);
    result = document.load_buffer(text.data(), text.size());
    suite = document.child("testsuites").child("testsuite");
  }
  pugi::xml_node named(const char* name) const { return suite.find_child_by_attribute("testcase", "name", name); }
  int count(const char* of) const { return suite.attribute(of).as_int(-1); }

  pugi::xml_document document;
  pugi::xml_parse_result result;
  pugi::xml_node suite;
};

TEST(Junit, each_finding_is_a_failed_case_with_its_rule_in_words) {
  const Parsed parsed(sample_end());
  ASSERT_TRUE(parsed.result) << parsed.result.description();
  const auto failure = parsed.named("ST-42 at my.c:20").child("failure");
  ASSERT_TRUE(failure);
  EXPECT_STREQ(failure.attribute("type").value(), "ST-42");
  EXPECT_STREQ(failure.attribute("message").value(), "DataBuffer+0x0 was read <twice> & \"quoted\"");
  for (const char* part : {"LookAtData my.c:20", "seen 3 times", "must not be dereferenced", "https://learn.microsoft.com/"})
    EXPECT_THAT(failure.text().get(), HasSubstr(part));
}

TEST(Junit, the_counts_are_those_of_the_cases) {
  const Parsed parsed(sample_end());
  int cases = 0;
  for (auto node : parsed.suite.children("testcase")) cases += node ? 1 : 0;
  EXPECT_EQ(parsed.count("tests"), cases);
  EXPECT_EQ(parsed.count("failures"), 2);
  EXPECT_EQ(parsed.count("errors"), 0);
  EXPECT_TRUE(parsed.named("starts on virtio-blk"));
  EXPECT_FALSE(parsed.named("keeps the rules"));
}

TEST(Junit, a_clean_run_passes_every_case) {
  RunEnded ended = sample_end();
  ended.report.outcome = Outcome::clean;
  ended.report.findings.clear();
  const Parsed parsed(ended);
  EXPECT_EQ(parsed.count("tests"), 3);
  EXPECT_EQ(parsed.count("failures") + parsed.count("errors") + parsed.count("skipped"), 0);
}

TEST(Junit, a_driver_that_did_not_start_is_an_error_and_the_rest_is_skipped) {
  for (const Outcome outcome : {Outcome::bad_input, Outcome::refused, Outcome::internal_error}) {
    const Parsed parsed(failed_start(outcome, "because"));
    EXPECT_STREQ(parsed.named("starts").child("error").attribute("message").value(), "because") << name_of(outcome);
    EXPECT_EQ(parsed.count("errors"), 1);
    EXPECT_EQ(parsed.count("skipped"), 2);
  }
}

TEST(Junit, a_failed_command_is_a_failure) {
  RunRequest request = sample_request();
  request.command = "exit 7";
  RunEnded ended = sample_end();
  ended.command_status = 7;
  EXPECT_TRUE(Parsed(ended, request).named("command: exit 7").child("failure"));
  ended.command_status = 0;
  EXPECT_FALSE(Parsed(ended, request).named("command: exit 7").child("failure"));
}

TEST(XmlText, keeps_what_xml_can_hold_and_replaces_the_rest) {
  EXPECT_EQ(xml_text("plain … \t\n"), "plain … \t\n");
  EXPECT_EQ(xml_text(std::string_view("a\0b\x1B", 4)), "a\uFFFDb\uFFFD");
  EXPECT_EQ(xml_text("\xFF\xC3"), "\uFFFD\uFFFD");
  EXPECT_EQ(xml_text("\xC0\x80"), "\uFFFD\uFFFD") << "an overlong zero";
  EXPECT_EQ(xml_text("\xEF\xBF\xBE"), "\uFFFD") << "U+FFFE";
}

}  // namespace
}  // namespace drydock
