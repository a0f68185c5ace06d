// The legacy interface (virtio 1.2, 4.1.4.8 and the legacy sections; virtio 0.9.5) as its drivers use it. That requests work
// through it is shown by the Ways and Kinds of device_test.cpp.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/virtio_blk/test_driver.h"

namespace drydock::virtio_blk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace legacy = virtio::legacy;

std::uint32_t config_word(TestBoard& board, std::uint32_t offset, unsigned size) { return board.bus.read_config(TestBoard::kSlot, offset, size); }

TEST(LegacyInterface, ALegacyDeviceIsKnownByItsIdRevisionAndPorts) {
  TestBoard board({.device = "virtio-blk,mode=legacy"});
  EXPECT_EQ(config_word(board, pci::kVendorId, 4), 0x1001'1AF4u);
  EXPECT_EQ(config_word(board, pci::kRevision, 1), 0u);
  EXPECT_EQ(config_word(board, pci::kSubsystemVendor, 4), 0x0002'1AF4u) << "the subsystem is the device type";
  EXPECT_EQ(config_word(board, pci::kBar0, 4) & 3, pci::kBarIo);
  EXPECT_EQ(board.function().bar(Device::kRegisterBar).size, 0u) << "no modern registers";
  for (std::uint32_t at = config_word(board, pci::kCapabilities, 1); at != 0; at = config_word(board, at + 1, 1))
    EXPECT_NE(config_word(board, at, 1), pci::kCapabilityVendor);
  TestDriver driver(board);
  EXPECT_EQ(driver.offered() & virtio::kVersion1, 0u);
  EXPECT_EQ(driver.offered() & virtio::kAnyLayout, virtio::kAnyLayout);
}

TEST(LegacyInterface, ATransitionalDeviceHasBothInterfacesUnderTheOldId) {
  TestBoard board({.device = "virtio-blk,mode=transitional"});
  EXPECT_EQ(config_word(board, pci::kVendorId, 4), 0x1001'1AF4u);
  EXPECT_EQ(config_word(board, pci::kRevision, 1), 0u);
  TestDriver modern(board), old(board, true, true);
  EXPECT_EQ(modern.offered() & virtio::kVersion1, virtio::kVersion1);
  EXPECT_EQ(modern.offered() & virtio::kAnyLayout, 0u) << "that bit is of the legacy interface (6.3)";
  EXPECT_EQ(old.offered(), (modern.offered() & 0xFFFF'FFFF) | virtio::kAnyLayout);
}

TEST(LegacyInterface, AModernDeviceHasNoPorts) {
  TestBoard board({});
  EXPECT_EQ(board.function().bar(0).size, 0u);
  EXPECT_FALSE(board.bus.find_port(Bus::kPorts));
}

TEST(LegacyInterface, DeviceConfigurationMovesBehindTheVectorsWhileMsixIsOn) {
  TestBoard board({.device = "virtio-blk,mode=legacy"});
  TestDriver driver(board);
  EXPECT_EQ(driver.port(24, 4), 2048u) << "capacity, MSI-X enabled";
  driver.set_port(legacy::kConfigVector, 2, 0);
  EXPECT_EQ(driver.port(legacy::kConfigVector, 2), 0u);
  driver.set_port(legacy::kConfigVector, 2, 77);
  EXPECT_EQ(driver.port(legacy::kConfigVector, 2), virtio::kNoVector);
  board.function().enable_msix(false);
  EXPECT_EQ(driver.port(20, 4), 2048u) << "capacity, MSI-X disabled";
  EXPECT_EQ(driver.config().blk_size, 512u);
}

TEST(LegacyInterface, AQueueIsAPageNumberAndZeroTakesItAway) {
  TestBoard board({.device = "virtio-blk,mode=legacy,queues=2,queue_size=64"});
  TestDriver driver(board);
  driver.start();
  driver.set_port(legacy::kQueueSelect, 2, 0);
  EXPECT_EQ(driver.port(legacy::kQueueSize, 2), 64u);
  EXPECT_EQ(driver.port(legacy::kQueueAddress, 4), driver.queue().memory.at(0).value >> 12);
  Buffer data(board, 4096);
  EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
  driver.set_port(legacy::kQueueAddress, 4, 0);
  EXPECT_EQ(driver.port(legacy::kQueueAddress, 4), 0u);
  driver.doorbell(0);
  EXPECT_FALSE(board.timeline.jump_to_next());
  EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("no address")));
  driver.set_port(legacy::kQueueSelect, 2, 5);
  EXPECT_EQ(driver.port(legacy::kQueueSize, 2), 0u) << "size 0: there is no such queue";
}

TEST(LegacyInterface, ADriverMayUseTheDeviceBeforeDriverOk) {  // 3.1.2
  TestBoard board({.device = "virtio-blk,mode=legacy"});
  TestDriver driver(board);
  driver.negotiate();
  driver.start_queue(0);
  Buffer data(board, 4096);
  EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
  EXPECT_EQ(driver.status(), virtio::kAcknowledge | virtio::kDriver);
  EXPECT_THAT(board.complaints, IsEmpty());
}

TEST(LegacyInterface, FeaturesMayComeAfterTheQueues) {  // 3.1.2
  TestBoard board({.device = "virtio-blk,mode=legacy"});
  TestDriver driver(board);
  driver.set_status(0);
  driver.set_status(virtio::kAcknowledge | virtio::kDriver);
  driver.start_queue(0);
  driver.set_port(legacy::kDriverFeatures, 4, driver.offered() & ~virtio::kEventIndex & ~virtio::kIndirectDescriptors);
  Buffer data(board, 4096);
  EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
  EXPECT_EQ(driver.port(legacy::kDriverFeatures, 4), driver.offered() & ~virtio::kEventIndex & ~virtio::kIndirectDescriptors);
}

TEST(LegacyInterface, AResetForgetsQueuesFeaturesAndVectors) {
  TestBoard board({.device = "virtio-blk,mode=legacy"});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  const unsigned slot = driver.post({Type::in, 0, data.segments(0, 512), true});
  driver.set_status(0);
  EXPECT_FALSE(board.timeline.jump_to_next());
  EXPECT_FALSE(driver.answer(slot).done);
  EXPECT_EQ(driver.status(), 0u);
  EXPECT_EQ(driver.port(legacy::kQueueAddress, 4), 0u);
  EXPECT_EQ(driver.port(legacy::kDriverFeatures, 4), 0u);
  EXPECT_EQ(driver.port(legacy::kQueueVector, 2), virtio::kNoVector);
  driver.start();
  EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
}

TEST(LegacyInterface, ReadingTheIsrLowersTheLine) {
  TestBoard board({.device = "virtio-blk,mode=legacy,msix=off"});
  TestDriver driver(board);
  driver.start();
  Buffer data(board, 4096);
  driver.post({Type::in, 0, data.segments(0, 512), true});
  board.timeline.jump_to_next();
  EXPECT_TRUE(board.line);
  EXPECT_EQ(driver.isr(), virtio::kIsrQueue);
  EXPECT_FALSE(board.line);
  EXPECT_EQ(driver.isr(), 0u);
}

TEST(LegacyInterface, WithoutAnyLayoutHeaderAndStatusHaveDescriptorsOfTheirOwn) {  // 5.2.6.4
  for (const bool any_layout : {false, true}) {
    TestBoard board({.device = "virtio-blk,mode=legacy"});
    TestDriver driver(board);
    driver.start(any_layout ? ~virtio::Features{0} : ~virtio::kAnyLayout);
    Buffer data(board, 4096);
    EXPECT_EQ(driver.in(0, data, 0, 512), Status::ok);
    EXPECT_THAT(board.complaints, IsEmpty()) << "the usual layout is always right";
    TestDriver::Queue& queue = driver.queue();
    data.put(0, Header{Type::in, 0, 0});
    const std::uint64_t at = data.at(0).value;
    queue.memory.put(0, virtio::Descriptor{at, 16, virtio::kNext, 1});
    queue.memory.put(16, virtio::Descriptor{at + 1024, 513, virtio::kWrite, 0});  // data and status in one
    queue.memory.put(queue.available + virtio::available::entry(queue.available_index % queue.size), std::uint16_t{0});
    queue.memory.put(queue.available + virtio::available::kIndex, ++queue.available_index);
    data.put(1024 + 512, std::uint8_t{0xFF});
    driver.doorbell(0);
    board.timeline.jump_to_next();
    EXPECT_EQ(data.get<std::uint8_t>(1024 + 512), 0u) << "it is served either way";
    if (any_layout) EXPECT_THAT(board.complaints, IsEmpty());
    else EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("5.2.6.4")));
  }
}

TEST(LegacyInterface, WhatADriverMustNotWriteIsNamedAndIgnored) {
  TestBoard board({.device = "virtio-blk,mode=transitional"});
  TestDriver modern(board), old(board, true, true);
  modern.start();
  old.set_port(legacy::kQueueAddress, 4, 1);
  EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("uses the modern ones")));
  Buffer data(board, 4096);
  EXPECT_EQ(modern.in(0, data, 0, 512), Status::ok);
  board.complaints.clear();
  old.start();
  modern.set_common(offsetof(virtio::CommonConfig, queue_select), 2, 1);
  EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("uses the legacy registers")));
  board.complaints.clear();
  old.set_port(legacy::kQueueSize, 2, 8);
  old.set_port(legacy::kQueueNotify, 2, 2);
  old.set_port(legacy::kDriverFeatures, 4, old.offered() | virtio::feature(3));
  EXPECT_THAT(board.complaints, ElementsAre(HasSubstr("no field to write there"), HasSubstr("no such queue"), HasSubstr("bit 3")));
  EXPECT_EQ(old.in(0, data, 0, 512), Status::ok) << "and the device goes on";
}

}  // namespace
}  // namespace drydock::virtio_blk
