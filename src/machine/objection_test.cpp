#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "machine/machine_for_tests.h"

namespace drydock {
namespace {

using testing::HasSubstr;

struct Wrong {
  const char* mentions;
  void (*spoil)(Options& options);
};

class Objection : public testing::TestWithParam<Wrong> {};

// What start refuses for these, it refuses in the same words.
TEST_P(Objection, IsRaisedBeforeAnythingStarts) {
  Options options = options_for_tests("mem:4M");
  GetParam().spoil(options);
  const std::string objection = Machine::objection(options);
  EXPECT_THAT(objection, HasSubstr(GetParam().mentions));
  const auto started = Machine::start(options);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error.outcome, Outcome::bad_input);
  EXPECT_THAT(started.error.message, HasSubstr(GetParam().mentions));
}

INSTANTIATE_TEST_SUITE_P(
    Each, Objection,
    testing::Values(Wrong{"/no/such.sys", [](Options& o) { o.driver = "/no/such.sys"; }}, Wrong{"not a PE", [](Options& o) { o.driver = "/etc/passwd"; }},
                    Wrong{"no device 'floppy'", [](Options& o) { o.devices = {"floppy"}; }},
                    Wrong{"mode is given twice", [](Options& o) { o.devices = {"virtio-blk,mode=legacy,mode=legacy"}; }},
                    Wrong{"/no/such.img", [](Options& o) { o.disk = "/no/such.img"; }},
                    Wrong{"neither a file nor a block device", [](Options& o) { o.disk = "/dev/null"; }},
                    Wrong{"2 devices and 3 disks", [](Options& o) { o.devices = {"virtio-blk", "virtio-blk"}, o.disks = {"null", "null", "null"}; }},
                    Wrong{"gremlins", [](Options& o) { o.faults = {"gremlins"}; }}, Wrong{"mem:4M is none", [](Options& o) { o.faults = {"enospc"}; }},
                    Wrong{"no type 'word'", [](Options& o) { o.registry = {"P\\X=word:1"}; }},
                    Wrong{"/no/such/trace", [](Options& o) { o.trace_file = "/no/such/trace"; }}));

TEST(TheCoverageFile, IsLookedAtToo) {
  Options options = options_for_tests("mem:4M");
  options.lcov_file = "/no/such/info";
  EXPECT_THAT(Machine::objection(options), HasSubstr("/no/such/info"));
}

TEST(NoObjection, IsRaisedToWhatCanStart_AndNoFileIsMadeOrEmptied) {
  Options options = options_for_tests("mem:4M");
  options.trace_file = testing::TempDir() + "objection_trace";
  std::filesystem::remove(options.trace_file);
  EXPECT_EQ(Machine::objection(options), "");
  EXPECT_FALSE(std::filesystem::exists(options.trace_file));
  std::ofstream(options.trace_file) << "kept";
  EXPECT_EQ(Machine::objection(options), "");
  EXPECT_EQ(std::filesystem::file_size(options.trace_file), 4u);
}

TEST(NoObjection, IsRaisedToADriverThatWillRefuse_ThatIsKnownOnlyWhenItRuns) {
  Options options = options_for_tests("mem:4M");
  options.devices = {"virtio-blk,mode=legacy"};  // ddvioblk wants a modern device
  EXPECT_EQ(Machine::objection(options), "");
  EXPECT_EQ(Machine::start(options).error.outcome, Outcome::refused);
}

}  // namespace
}  // namespace drydock
