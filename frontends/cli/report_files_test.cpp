#include "report_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "sample_report_for_tests.h"

namespace drydock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ReportFiles, each_is_written_in_its_form) {
  RunRequest request = sample_request();
  request.json_file = testing::TempDir() + "r.json", request.junit_file = testing::TempDir() + "r.xml", request.sarif_file = testing::TempDir() + "r.sarif";
  auto files = ReportFiles::open(request);
  ASSERT_TRUE(files);
  EXPECT_TRUE(files->write(request, sample_end()));
  EXPECT_THAT(contents(request.json_file), HasSubstr("\"outcome\": \"findings\""));
  EXPECT_THAT(contents(request.junit_file), StartsWith("<?xml"));
  EXPECT_THAT(contents(request.sarif_file), HasSubstr("\"version\": \"2.1.0\""));
}

TEST(ReportFiles, a_path_that_cannot_be_opened_is_refused_before_the_run) {
  RunRequest request = sample_request();
  request.sarif_file = testing::TempDir() + "no/such/folder/r.sarif";
  const auto files = ReportFiles::open(request);
  ASSERT_FALSE(files);
  EXPECT_THAT(files.error().message, HasSubstr(request.sarif_file));
}

TEST(ReportFiles, one_report_at_most_goes_to_standard_output) {
  RunRequest request = sample_request();
  request.json_file = "-";
  EXPECT_TRUE(ReportFiles::open(request)->on_standard_output());
  request.junit_file = "-";
  EXPECT_FALSE(ReportFiles::open(request));
}

TEST(ReportFiles, a_full_disk_is_told) {
  RunRequest request = sample_request();
  request.json_file = "/dev/full";
  auto files = ReportFiles::open(request);
  ASSERT_TRUE(files);
  const auto written = files->write(request, sample_end());
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("/dev/full"));
}

}  // namespace
}  // namespace drydock
