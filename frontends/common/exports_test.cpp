#include "exports.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(Exports, have_the_numbers_of_the_disks_and_the_first_is_the_default) {
  EXPECT_EQ(disk_of_export("", 1), 0u);
  EXPECT_EQ(disk_of_export("", 2), 0u);
  EXPECT_EQ(disk_of_export("disk1", 2), 1u);
  EXPECT_EQ(disk_of_export(export_name(7), 8), 7u);
}

TEST(Exports, another_name_is_none) {
  for (const char* name : {"disk2", "disk", "1", "Disk1", "disk01", "disk1 ", "disk-1"}) EXPECT_EQ(disk_of_export(name, 2), std::nullopt) << name;
}

}  // namespace
}  // namespace drydock
