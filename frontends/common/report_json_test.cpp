#include "report_json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace drydock {
namespace {

Report full_report() {
  Report report;
  report.outcome = Outcome::findings;
  report.message = "why";
  report.driver = "my.sys";
  report.port = "storport";
  report.device = "virtio-blk";
  report.limits = {65536, 17, 3, 254, 1, 2, "NON_READ_WRITE_BUFFERS", "full duplex", "64-bit", "STORAGE_REQUEST_BLOCK", true, 4};
  report.ios = 10, report.bytes = 11, report.reads = 12, report.writes = 13, report.flushes = 14, report.trims = 15;
  report.sg_min = 1, report.sg_max = 17, report.sg_mean = 2.5;
  report.failed = 24;
  report.bounced_pages = 16, report.interrupts = 18, report.traps = 19, report.virtual_nanoseconds = 20;
  report.findings = {{"ST-42", "0xF1/0x2004", "one sentence", "my.c:40", {"my.c:40 HwInterrupt", "my.c:9"}, 3, "another sentence", "/src/my.c", 40,
                      {{"allocated at", {"my.c:7"}}}, {0xC0000005, 0xFFFF8000'00001000, 0, 1}}};
  report.allowed = {{"ST-57", 4}};
  report.adapters.resize(2);
  report.adapters[1].device = "virtio-blk,mode=legacy", report.adapters[1].disk = "b.img", report.adapters[1].limits = report.limits;
  report.adapters[1].ios = 21, report.adapters[1].bytes = 22, report.adapters[1].interrupts = 23;
  report.faults = {{"lost-interrupt", 40, 2}};
  report.debug_output = {"hello"};
  return report;
}

TEST(ReportJson, has_every_field_the_command_line_promises) {
  const auto json = nlohmann::json::parse(json_text(full_report(), true));
  for (const char* key : {"outcome", "driver", "port", "limits", "ios", "bytes", "sg", "bounced_pages", "findings"})
    EXPECT_TRUE(json.contains(key)) << key;
  for (const char* key : {"min", "mean", "max"}) EXPECT_TRUE(json["sg"].contains(key)) << key;
  for (const char* key : {"rule", "code", "message", "driver_location", "source_file", "source_line", "stack", "parameters"})
    EXPECT_TRUE(json["findings"][0].contains(key)) << key;
  EXPECT_TRUE(json["limits"].is_object());
  EXPECT_EQ(json["sg"]["mean"], 2.5);
  EXPECT_EQ(json["findings"][0]["stack"].size(), 2u);
}

TEST(ReportJson, what_was_written_is_read_back) {
  const Report report = full_report();
  const auto again = parse_report(json_text(report, false));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(report));
  EXPECT_EQ(again->findings.at(0).count, 3u);
  EXPECT_EQ(again->allowed.at(0).rule, "ST-57");
  EXPECT_EQ(again->allowed.at(0).count, 4u);
  EXPECT_EQ(again->findings.at(0).related.at(0).what, "allocated at");
  EXPECT_EQ(again->findings.at(0).parameters.at(1), 0xFFFF8000'00001000u);
  EXPECT_EQ(again->limits.map_buffers, "NON_READ_WRITE_BUFFERS");
}

TEST(ReportJson, the_line_of_a_server_is_heard_when_it_is_whole) {
  const std::string line = serving_line(3);
  EXPECT_EQ(parse_serving_line(line), 3u);
  EXPECT_EQ(parse_serving_line(line + "{\"outcome\":"), 3u);
  EXPECT_EQ(parse_serving_line(line.substr(0, line.size() - 1)), std::nullopt);
  EXPECT_EQ(parse_serving_line(json_text(full_report(), false) + "\n"), std::nullopt);
  EXPECT_EQ(parse_serving_line("nonsense\n"), std::nullopt);
}

TEST(ReportJson, an_empty_report_has_lists_not_nulls) {
  const auto json = to_json(Report{});
  EXPECT_TRUE(json["findings"].is_array());
  EXPECT_TRUE(json["debug_output"].is_array());
}

TEST(ReportJson, each_outcome_survives_the_trip) {
  for (int number = 0; number <= 5; ++number) {
    Report report;
    report.outcome = static_cast<Outcome>(number);
    EXPECT_EQ(parse_report(json_text(report, false))->outcome, report.outcome);
  }
}

TEST(ReportJson, bytes_a_driver_printed_that_are_not_text_do_not_break_it) {
  Report report;
  report.debug_output = {"\xff\xfe broken"};
  EXPECT_TRUE(parse_report(json_text(report, false)));
}

TEST(ReportJson, a_torn_report_is_refused_not_guessed) {
  const std::string text = json_text(full_report(), false);
  EXPECT_FALSE(parse_report(text.substr(0, text.size() / 2)));
  EXPECT_FALSE(parse_report(""));
  EXPECT_FALSE(parse_report("{}"));
}

}  // namespace
}  // namespace drydock
