#include "machine/device_hints.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace drydock {
namespace {

std::vector<std::byte> narrow(std::string_view text) {
  std::vector<std::byte> bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

std::vector<std::byte> wide(std::string_view text, std::size_t leading = 0) {
  std::vector<std::byte> bytes(leading, std::byte{0x41});
  for (const char c : text) {
    bytes.push_back(static_cast<std::byte>(c));
    bytes.push_back(std::byte{0});
  }
  return bytes;
}

constexpr std::string_view kOurs = "PCI\\VEN_1AF4&DEV_1042&SUBSYS_00021AF4";

TEST(DeviceHints, AHardwareIdIsFoundInAsciiAndInUtf16AtEitherParity) {
  const std::string text = "%Name% = Section, " + std::string(kOurs);
  EXPECT_EQ(device_named_in(narrow(text)), "virtio-blk");
  EXPECT_EQ(device_named_in(wide(text)), "virtio-blk");
  EXPECT_EQ(device_named_in(wide(text, 1)), "virtio-blk");
}

TEST(DeviceHints, CaseDoesNotMatter) { EXPECT_EQ(device_named_in(narrow("pci\\ven_1af4&dev_1042")), "virtio-blk"); }

TEST(DeviceHints, AnIdOfNoDeviceWeHaveIsPassedOver) {
  EXPECT_EQ(device_named_in(narrow("PCI\\VEN_8086&DEV_2922")), std::nullopt);
  EXPECT_EQ(device_named_in(narrow("PCI\\VEN_8086&DEV_2922, PCI\\VEN_1AF4&DEV_1042")), "virtio-blk");
}

TEST(DeviceHints, ADriverOfTheOldIdGetsBothInterfaces) {
  EXPECT_EQ(device_named_in(narrow("PCI\\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00")), "virtio-blk,mode=transitional");
}

TEST(DeviceHints, APieceOfAnIdIsNone) {
  for (std::size_t length = 0; length < std::string_view("PCI\\VEN_1AF4&DEV_1042").size(); ++length)
    EXPECT_EQ(device_named_in(narrow(kOurs.substr(0, length))), std::nullopt) << length;
  EXPECT_EQ(device_named_in(narrow("PCI\\VEN_1AF4&DEV_10G2")), std::nullopt);
}

TEST(DeviceHints, TheInfBesideTheDriverIsAskedBeforeTheImage) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "device_hints";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "some.inf") << "[Models]\n%Disk% = Install, " << kOurs << "\n";
  EXPECT_EQ(device_hinted_by((folder / "some.sys").string(), {}), "virtio-blk");
  EXPECT_EQ(device_hinted_by((folder / "other.sys").string(), {}), std::nullopt);
  EXPECT_EQ(device_hinted_by((folder / "other.sys").string(), narrow(kOurs)), "virtio-blk");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace drydock
