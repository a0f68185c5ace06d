#include "port/storport/configuration.h"

#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct ConfigurationTest : PortForTests {
  ConfigurationTest() {
    preset(config, miniport.data, resources_of(hba, 8), ranges, true);
    configure(config);
  }
  Claims claims() const { return read_claims(config, miniport.data); }
  ACCESS_RANGE ranges[kAccessRangesMax];
  PORT_CONFIGURATION_INFORMATION config;
};

TEST_F(ConfigurationTest, APresetIsWhatAPhysicalMiniportFinds) {  // ST-17 ST-20 ST-22 ST-25
  preset(config, miniport.data, resources_of(hba, 8), ranges, true);
  EXPECT_TRUE(config.ScatterGather && config.Master && config.Dma32BitAddresses && config.TaggedQueuing);
  EXPECT_EQ(config.Dma64BitAddresses, SCSI_DMA64_SYSTEM_SUPPORTED);
  EXPECT_EQ(config.MaxNumberOfIO, 1000u);
  EXPECT_EQ(config.InitialLunQueueDepth, 20u);
  EXPECT_EQ(config.SynchronizationModel, StorSynchronizeHalfDuplex);
  EXPECT_EQ(config.NumberOfAccessRanges, 3u);
  EXPECT_FALSE((*config.AccessRanges)[1].RangeInMemory);
  EXPECT_EQ(config.SlotNumber, 8u);
}

TEST_F(ConfigurationTest, Dma64BitAddressesSaysWhatTheDeviceReaches) {  // ST-20
  config.Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED;
  EXPECT_EQ(claims().highest_data, 0xFFFF'FFFFu);
  config.Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED | SCSI_DMA64_MINIPORT_SUPPORTED;
  EXPECT_EQ(claims().highest_data, ~std::uint64_t{0});
  EXPECT_EQ(claims().highest_common, 0xFFFF'FFFFu);
  config.Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
  EXPECT_EQ(claims().highest_common, ~std::uint64_t{0});
}

TEST_F(ConfigurationTest, NoClaimMakesAQueueThatNeverMoves) {  // ST-22
  config.MaxNumberOfIO = config.MaxIOsPerLun = config.InitialLunQueueDepth = 0;
  EXPECT_EQ(claims().ios_max, 1u);
  EXPECT_EQ(claims().ios_per_unit, 1u);
  EXPECT_EQ(claims().initial_depth, 1u);
  config.MaxNumberOfIO = 100;
  config.MaxIOsPerLun = 255;
  config.InitialLunQueueDepth = 1000;
  EXPECT_EQ(claims().initial_depth, 100u);
  config.MaxNumberOfIO = 1000;
  EXPECT_EQ(claims().ios_per_unit, 255u);
  config.SrbType = SRB_TYPE_SCSI_REQUEST_BLOCK;
  EXPECT_EQ(claims().ios_per_unit, 254u);  // H-24 tags of one byte
}

TEST_F(ConfigurationTest, WhatFindAdapterLeavesUnsetIsAFinding) {  // VER-92 VER-98 VER-101 ST-12
  preset(config, miniport.data, resources_of(hba, 8), ranges, true);
  config.VirtualDevice = TRUE;
  miniport.data.TaggedQueuing = FALSE;
  EXPECT_EQ(claims().breaks, 0x11u);
  check_claims(config, miniport.data, claims(), trace);
  EXPECT_EQ(findings("VER-92"), 1u);
  EXPECT_EQ(findings("VER-98"), 2u);
  EXPECT_EQ(findings("VER-101"), 1u);
  EXPECT_EQ(findings("ST-12"), 1u);
}

TEST_F(ConfigurationTest, InitializationDataOfEverySizeIsReadAndOthersAreRefused) {  // ST-10
  HW_INITIALIZATION_DATA read;
  for (const ULONG size : {ULONG{136}, ULONG{184}, ULONG{200}, ULONG{sizeof(HW_INITIALIZATION_DATA)}}) {
    miniport.data.HwInitializationDataSize = size;
    EXPECT_EQ(read_initialization_data(&miniport.data, read), STATUS_SUCCESS) << size;
  }
  miniport.data.HwInitializationDataSize = 137;
  EXPECT_EQ(read_initialization_data(&miniport.data, read), STATUS_REVISION_MISMATCH);
  miniport.data.HwInitializationDataSize = sizeof miniport.data;
  miniport.data.HwStartIo = nullptr;
  EXPECT_EQ(read_initialization_data(&miniport.data, read), STATUS_INVALID_PARAMETER);
}

}  // namespace
}  // namespace drydock::storport
