#include "device_list.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(DeviceList, names_each_device_and_lines_up_its_options) {
  const DeviceType types[] = {{"blk", "a block device", {{"queues", "1..16", "4", "request queues"}, {"ro", "on|off", "", "no writes"}}}};
  EXPECT_EQ(device_list(types),
            "blk  a block device\n"
            "    queues=1..16  request queues (default: 4)\n"
            "    ro=on|off     no writes\n");
}

TEST(DeviceList, of_nothing_is_empty) { EXPECT_EQ(device_list({}), ""); }

}  // namespace
}  // namespace drydock
