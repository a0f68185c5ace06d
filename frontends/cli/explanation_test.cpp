#include "explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drydock {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string told(std::string_view what) {
  const auto text = explanation(what, RuleBook::get());
  return text ? *text : "refused: " + text.error().message;
}

TEST(Explanation, of_a_rule_is_its_words_and_its_pages) {
  const std::string text = told("ST-43");
  EXPECT_THAT(text, StartsWith("ST-43  Storport: Data buffers; what Windows does\n"));
  EXPECT_THAT(text, HasSubstr("valid only until the SRB completes"));
  EXPECT_THAT(text, HasSubstr("https://learn.microsoft.com/windows-hardware/drivers/ddi/storport/nf-storport-storportgetscattergatherlist\n"));
}

TEST(Explanation, a_contradiction_that_a_rule_refers_to_is_told_with_it) { EXPECT_THAT(told("ST-42"), HasSubstr("See H-19\n")); }

TEST(Explanation, of_a_bug_check_is_its_meaning_and_what_it_tells) {
  EXPECT_THAT(told("0xD1"), HasSubstr("DRIVER_IRQL_NOT_LESS_OR_EQUAL"));
  EXPECT_THAT(told("0xd1"), HasSubstr("bug-check-0xd1--driver-irql-not-less-or-equal"));
  EXPECT_THAT(told("0xF1"), HasSubstr("VER-45"));
  const std::string one = told("0xF1/0x2004");
  EXPECT_THAT(one, StartsWith("VER-45"));
  EXPECT_THAT(one, HasSubstr("SCSI_VERIFIER_DETECTED_VIOLATION"));
  EXPECT_THAT(one, Not(HasSubstr("VER-41")));
  EXPECT_THAT(told("0x7F/0x8"), StartsWith("VER-135"));
  EXPECT_THAT(told("0xF1/0x9999"), HasSubstr("no rule of its own for parameter 0x9999"));
}

TEST(Explanation, of_a_bug_check_is_found_by_its_name_and_by_the_bare_number) {
  const std::string text = told("0xD1");
  for (const char* same : {"D1", "d1", "0x000000D1", "DRIVER_IRQL_NOT_LESS_OR_EQUAL", "driver_irql_not_less_or_equal"}) EXPECT_EQ(told(same), text) << same;
  EXPECT_EQ(told("f1/2004"), told("0xF1/0x2004"));
  EXPECT_THAT(told("SCSI_VERIFIER_DETECTED_VIOLATION"), HasSubstr("VER-45"));
  EXPECT_THAT(told("DRIVER_IRQL"), StartsWith("refused: 'DRIVER_IRQL' is neither"));
}

// What a driver author may read on a blue screen and bring here.
TEST(Explanation, knows_the_usual_bug_checks) {
  for (const char* code : {"3B", "E2", "44", "C7", "7B", "8E", "EF", "24", "77", "109", "10D", "D0", "D3", "D4", "D8", "DE", "12B", "1D5"}) {
    EXPECT_THAT(told(code), HasSubstr(std::string("Bug check 0x") + code + ", ")) << code;
    EXPECT_THAT(told(code), HasSubstr("https://learn.microsoft.com/windows-hardware/drivers/debugger/bug-check-0x")) << code;
  }
}

TEST(Explanation, what_is_in_no_rule_is_refused) {
  EXPECT_THAT(told("ST-999"), StartsWith("refused: 'ST-999' is neither a rule"));
  EXPECT_THAT(told("0x12345"), StartsWith("refused: bug check 0x12345"));
  EXPECT_THAT(told(""), StartsWith("refused: "));
}

TEST(Explanation, every_rule_can_be_explained) {
  for (const DocumentedRule& rule : RuleBook::get().rules()) EXPECT_THAT(told(rule.id), StartsWith(rule.id)) << rule.id;
}

}  // namespace
}  // namespace drydock
