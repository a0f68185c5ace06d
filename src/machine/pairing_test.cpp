#include "machine/pairing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drydock {
namespace {

using testing::HasSubstr;

std::string paired(const std::vector<std::string>& devices, const std::vector<std::string>& disks, bool read_only = false) {
  const auto adapters = pair_disks(devices, disks, read_only);
  if (!adapters) return adapters.error().message;
  std::string text;
  for (const AdapterSpec& a : *adapters) text += a.device + "<" + a.disk + " ";
  return text;
}

TEST(Pairing, TheNthDiskIsBehindTheNthDevice) { EXPECT_EQ(paired({"a", "b"}, {"x", "y"}), "a<x b<y "); }

TEST(Pairing, OneDeviceIsMadeForEachDisk) { EXPECT_EQ(paired({"a"}, {"x", "mem:1M", "y"}), "a<x a<mem:1M a<y "); }

TEST(Pairing, ADiskOfMemoryIsMadeForEachDevice) {
  EXPECT_EQ(paired({"a", "b"}, {"mem:1M"}), "a<mem:1M b<mem:1M ");
  EXPECT_EQ(paired({"a", "b"}, {"null"}), "a<null b<null ");
}

TEST(Pairing, AFileIsSharedOnlyByThoseWhoReadIt) {
  EXPECT_THAT(paired({"a", "b"}, {"x"}), HasSubstr("cannot both write x"));
  EXPECT_THAT(paired({"a"}, {"x", "y", "x"}), HasSubstr("cannot both write x"));
  EXPECT_EQ(paired({"a", "b"}, {"x"}, true), "a<x b<x ");
}

TEST(Pairing, NumbersThatDoNotFitAreRefused) {
  EXPECT_THAT(paired({"a", "b"}, {"x", "y", "z"}), HasSubstr("2 devices and 3 disks"));
  EXPECT_THAT(paired({"a", "b", "c"}, {"x", "y"}), HasSubstr("3 devices and 2 disks"));
  EXPECT_THAT(paired(std::vector<std::string>(9, "a"), {"null"}), HasSubstr("8 at most"));
}

}  // namespace
}  // namespace drydock
