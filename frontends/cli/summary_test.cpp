#include "summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace drydock {
namespace {

using testing::HasSubstr;
using testing::Not;

const Style kPlain(false);

Report report_with_findings() {
  Report report;
  report.outcome = Outcome::findings;
  report.driver = "/somewhere/my.sys";
  report.port = "storport";
  report.device = "virtio-blk";
  report.limits.maximum_transfer_length = 65536;
  report.limits.physical_breaks = UINT32_MAX;
  report.limits.alignment_mask = 3;
  report.ios = 1234567;
  report.sg_min = 1, report.sg_mean = 2.5, report.sg_max = 17;
  report.findings = {{"ST-42", "0xF1/0x2004", "The list was read after completion.", "my.c:40", {"my.c:40 HwInterrupt"}, 3, "", "/src/my.c", 40}};
  return report;
}

TEST(SummaryTable, shows_the_claims_and_the_counts) {
  const std::string text = summary_table(report_with_findings(), kPlain);
  for (const char* part : {"my.sys", "storport", "virtio-blk", "64 KiB", "unlimited", "4 bytes (mask 0x3)", "1 234 567", "1 … 17 elements, mean 2.5"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("/somewhere")));
}

TEST(SummaryTable, tells_each_of_several_adapters_apart) {
  Report report = report_with_findings();
  report.device = "virtio-blk virtio-blk,mode=legacy";
  report.adapters.resize(2);
  report.adapters[0].device = "virtio-blk", report.adapters[0].disk = "/there/a.img", report.adapters[0].ios = 4711;
  report.adapters[1].device = "virtio-blk,mode=legacy", report.adapters[1].disk = "mem:8M", report.adapters[1].ios = 815;
  report.adapters[1].limits.maximum_transfer_length = 8192;
  const std::string text = summary_table(report, kPlain);
  for (const char* part : {"adapter 0", "virtio-blk on a.img", "4 711", "adapter 1", "virtio-blk,mode=legacy on mem:8M", "815", "8 KiB", "all I/Os", "1 234 567"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("│ device")));
}

TEST(SummaryTable, tells_how_often_each_fault_struck) {
  Report report = report_with_findings();
  EXPECT_THAT(summary_table(report, kPlain), Not(HasSubstr("fault")));
  EXPECT_THAT(summary_table(report, kPlain), Not(HasSubstr("failed")));
  report.failed = 1234;
  EXPECT_THAT(summary_table(report, kPlain), HasSubstr("1 234"));
  report.faults = {{"lost-interrupt", 4000, 37}};
  const std::string text = summary_table(report, kPlain);
  EXPECT_THAT(text, HasSubstr("fault lost-interrupt"));
  EXPECT_THAT(text, HasSubstr("37 of 4 000 times"));
}

TEST(SummaryTable, every_line_of_the_box_is_equally_wide) {
  std::istringstream lines(summary_table(report_with_findings(), kPlain));
  std::string title, line;
  std::getline(lines, title);
  std::size_t width = 0;
  while (std::getline(lines, line)) {
    if (width == 0) width = width_of(line);
    EXPECT_EQ(width_of(line), width) << line;
  }
  EXPECT_GT(width, 20u);
}

TEST(SummaryTable, does_not_speak_of_lists_a_driver_never_asked_for) {
  EXPECT_THAT(summary_table(Report{}, kPlain), HasSubstr("no lists"));
}

TEST(SummaryTable, tells_what_was_allowed_and_how_often_it_happened) {
  Report report;
  report.allowed = {{"ST-57", 1}, {"ST-12", 0}, {"VER-88", 1200}};
  const std::string text = summary_table(report, kPlain);
  for (const char* part : {"ST-57, broken once", "ST-12, never broken", "VER-88, broken 1 200 times"}) EXPECT_THAT(text, HasSubstr(part));
}

TEST(Findings, say_what_where_and_how_often) {
  const std::string text = findings_text(report_with_findings(), kPlain);
  for (const char* part : {"1. ST-42", "0xF1/0x2004", "seen 3 times", "The list was read after completion.", "at my.c:40", "my.c:40 HwInterrupt"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Findings, tell_all_parameters_of_a_bug_check) {
  Report report;
  report.findings = {{"bug check", "0x1e/0xc0000005", "words", "my.c:9", {}, 1, "", "", 9, {}, {0xC0000005, 0x140001000, 1, 0x10000}}};
  EXPECT_THAT(findings_text(report, kPlain), HasSubstr("words\n     parameters 0xc0000005, 0x140001000, 0x1, 0x10000\n"));
}

TEST(Findings, are_silent_when_there_are_none) { EXPECT_EQ(findings_text(Report{}, kPlain), ""); }

TEST(ClosingLine, names_the_outcome) {
  Report report;
  report.ios = 1;
  EXPECT_EQ(closing_line(report, kPlain), "clean: 1 I/O, no findings");
  EXPECT_EQ(closing_line(report_with_findings(), kPlain), "1 finding");
  report.outcome = Outcome::refused;
  report.message = "HwStorFindAdapter returned SP_RETURN_NOT_FOUND";
  EXPECT_EQ(closing_line(report, kPlain), "the driver would not start: HwStorFindAdapter returned SP_RETURN_NOT_FOUND");
}

TEST(LastWords, are_the_last_and_no_more_than_asked_for) {
  Report report;
  EXPECT_EQ(last_words(report, 2), "");
  report.debug_output = {"a", "b", "c"};
  EXPECT_THAT(last_words(report, 2), testing::AllOf(HasSubstr("| b\n  | c"), Not(HasSubstr("| a"))));
}

}  // namespace
}  // namespace drydock
