#include "devices/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/virtio_blk/options.h"

namespace drydock {
namespace {

using testing::HasSubstr;

TEST(Catalogue, VirtioBlkIsThereWithItsIdsAndOptions) {
  const auto kinds = device_kinds();
  ASSERT_FALSE(kinds.empty());
  EXPECT_EQ(kinds[0].name, "virtio-blk");
  EXPECT_EQ(kinds[0].ids[0].vendor, 0x1AF4);
  EXPECT_EQ(kinds[0].ids[0].device, 0x1042);
  EXPECT_EQ(kinds[0].ids[1].device, 0x1001);
  for (const auto& id : kinds[0].ids) EXPECT_TRUE(check_device(id.spec)) << id.spec;
  EXPECT_GT(kinds[0].options.size(), 10u);
}

TEST(Catalogue, ARefusalNamesWhatThereIs) {
  EXPECT_THAT(check_device("floppy").error().message, HasSubstr("there is virtio-blk"));
  EXPECT_THAT(check_device("virtio-blk,speed=9").error().message, HasSubstr("no option 'speed'; it has mode, queues, queue_size"));
  EXPECT_THAT(check_device("virtio-blk,mode=legacy,ro=on,mode=modern").error().message, HasSubstr("mode is given twice"));
  for (const char* comma : {"virtio-blk,", "virtio-blk,ro=on,", "virtio-blk,,ro=on"})
    EXPECT_THAT(check_device(comma).error().message, HasSubstr("a comma without a setting behind it")) << comma;
  EXPECT_TRUE(check_device("virtio-blk"));
  EXPECT_TRUE(check_device("virtio-blk,queues=8,ro=on"));
}

TEST(VirtioBlkOptions, EveryKeyIsTakenAndEveryBadValueIsNamed) {
  const auto options = virtio_blk::parse_options(
      "mode=legacy,queues=8,queue_size=64,seg_max=30,size_max=4096,blk_size=4096,physical_blk_size=8192,opt_io_size=65536,serial=ABC-1,ro=on,"
      "cache=none,wce=off,discard=off,write_zeroes=off,indirect=off,event_idx=off,msix=off,latency=5");
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->mode, virtio::Interface::legacy);
  EXPECT_EQ(options->queues, 8u);
  EXPECT_EQ(options->segments(), 30u);
  EXPECT_EQ(options->serial, "ABC-1");
  EXPECT_FALSE(options->cache || options->wce || options->discard || options->write_zeroes || options->indirect || options->event_idx ||
               options->msix);
  EXPECT_EQ(options->latency, 5u);
  for (const char* bad : {"mode=", "mode=old", "queues=0", "queues=9", "queues=", "queues", "queues=2x", "queue_size=100", "queue_size=2", "queue_size=2048",
                          "seg_max=255", "queue_size=64,seg_max=63", "size_max=100", "blk_size=1024", "blk_size=4096,physical_blk_size=512",
                          "physical_blk_size=513", "opt_io_size=100", "serial=", "serial=a b", "serial=123456789012345678901", "ro=yes",
                          "cache=writethrough", "latency=-1", "latency=600000000001", "=", ",ro=on", "RO=on"}) {
    const auto refused = virtio_blk::parse_options(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().message.find('\n'), std::string::npos);
    EXPECT_THAT(refused.error().message, HasSubstr("virtio-blk"));
  }
}

TEST(VirtioBlkOptions, TheHelpNamesEveryKeyOnce) {
  std::string keys;
  for (const auto& row : virtio_blk::option_help()) {
    EXPECT_THAT(virtio_blk::parse_options(std::string(row.key) + "=\x01").error().message, HasSubstr(std::string(row.values)));
    keys += std::string(row.key) + " ";
  }
  EXPECT_THAT(keys, HasSubstr("latency"));
}

}  // namespace
}  // namespace drydock
