#include "annotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sample_report_for_tests.h"

namespace drydock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Annotations : public testing::Test {
 protected:
  Annotations() { setenv("GITHUB_WORKSPACE", "/src", 1); }
  ~Annotations() override { unsetenv("GITHUB_WORKSPACE"), unsetenv("GITHUB_ACTIONS"); }
};

TEST_F(Annotations, are_for_github_only) {
  unsetenv("GITHUB_ACTIONS");
  EXPECT_FALSE(in_github_workflow());
  setenv("GITHUB_ACTIONS", "true", 1);
  EXPECT_TRUE(in_github_workflow());
}

TEST_F(Annotations, name_file_line_and_rule) {
  EXPECT_THAT(annotations(sample_end()), StartsWith("::error file=my.c,line=20,title=ST-42::DataBuffer+0x0 was read"));
}

TEST_F(Annotations, a_finding_stays_one_line_and_cannot_end_its_properties) {
  RunEnded ended = sample_end();
  ended.report.findings.resize(1);
  ended.report.findings[0].message = "100% of\nthe lines";
  ended.report.findings[0].source_file = "/src/a,b:c.c";
  const std::string text = annotations(ended);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("::error file=a%2Cb%3Ac.c,line=20,"));
  EXPECT_THAT(text, HasSubstr("100%25 of%0Athe lines"));
}

TEST_F(Annotations, a_run_that_did_not_start_is_told_too) {
  EXPECT_EQ(annotations(failed_start(Outcome::bad_input, "x.sys: no such file")), "::error title=start::x.sys: no such file\n");
}

}  // namespace
}  // namespace drydock
