#include "port/storport/configuration.h"

#include <algorithm>
#include <cstring>

#include "port/storport/logical_unit.h"

namespace drydock::storport {

namespace {

// DOC: LAY-31 the sizes a miniport may have been compiled with: HwBuildIo only, with tracing, with SRB types, full.
constexpr std::array<ULONG, 4> kAcceptedSizes{136, 184, 200, sizeof(HW_INITIALIZATION_DATA)};

constexpr std::uint32_t kUnset = SP_UNINITIALIZED_VALUE;
constexpr std::uint32_t kDefaultBreaks = 0x11;           // DOC: ST-16
constexpr std::uint32_t kTransferMaxDefault = 64 * 1024; // ASSUMED: what an unset MaximumTransferLength means; VER-98 fires anyway
constexpr std::uint32_t kElementsMax = 4096;
constexpr std::uint64_t k4G = 0xFFFF'FFFF;

bool all_routines_there(const HW_INITIALIZATION_DATA& data) {  // DOC: ST-13
  return data.HwInitialize != nullptr && data.HwStartIo != nullptr && data.HwInterrupt != nullptr &&
         data.HwFindAdapter != nullptr && data.HwResetBus != nullptr;
}

}  // namespace

NTSTATUS read_initialization_data(const void* given, HW_INITIALIZATION_DATA& data) {
  std::memset(&data, 0, sizeof data);
  ULONG size = 0;
  std::memcpy(&size, given, sizeof size);
  if (std::find(kAcceptedSizes.begin(), kAcceptedSizes.end(), size) == kAcceptedSizes.end())
    return STATUS_REVISION_MISMATCH;
  std::memcpy(&data, given, size);
  return all_routines_there(data) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

Resources resources_of(const PciFunction& function, unsigned slot) {
  Resources resources;
  resources.slot = slot;
  for (unsigned i = 0; i < PciFunction::kBars; ++i) {
    const PciBar& bar = function.bar(i);
    if (bar.size == 0) continue;
    ACCESS_RANGE& range = resources.ranges[resources.count++];
    range.RangeStart.QuadPart = static_cast<LONGLONG>(bar.address);
    range.RangeLength = bar.size;
    range.RangeInMemory = bar.memory;
  }
  return resources;
}

void preset(PORT_CONFIGURATION_INFORMATION& config, const HW_INITIALIZATION_DATA& data, const Resources& resources,
            ACCESS_RANGE* ranges, bool message_interrupts) {
  std::memset(&config, 0, sizeof config);
  config.Length = sizeof config;
  config.AdapterInterfaceType = PCIBus;
  config.BusInterruptLevel = 11;
  config.BusInterruptVector = 0x51;
  config.InterruptMode = message_interrupts ? Latched : LevelSensitive;
  config.MaximumTransferLength = kUnset;
  config.NumberOfPhysicalBreaks = kUnset;  // DOC: H-13 a sentinel, so that "not set" shows; read as the default 0x11
  config.DmaChannel = config.DmaPort = kUnset;
  config.NumberOfAccessRanges = resources.count;
  std::copy_n(resources.ranges.begin(), resources.count, ranges);
  config.AccessRanges = reinterpret_cast<decltype(config.AccessRanges)>(ranges);
  for (auto& id : config.InitiatorBusId) id = static_cast<CCHAR>(0xFF);  // DOC: H-14
  config.ScatterGather = config.Master = config.Dma32BitAddresses = TRUE;
  config.MapBuffers = data.MapBuffers;
  config.NeedPhysicalAddresses = config.TaggedQueuing = config.AutoRequestSense = config.MultipleRequestPerLu = TRUE;
  config.WmiDataProvider = TRUE;
  config.MaximumNumberOfTargets = SCSI_MAXIMUM_TARGETS_PER_BUS;
  config.MaximumNumberOfLogicalUnits = SCSI_MAXIMUM_LOGICAL_UNITS;
  config.SrbType = (data.SrbTypeFlags & SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK) ? SRB_TYPE_STORAGE_REQUEST_BLOCK
                                                                             : SRB_TYPE_SCSI_REQUEST_BLOCK;
  config.AddressType = STORAGE_ADDRESS_TYPE_BTL8;
  config.SlotNumber = resources.slot;
  config.DeviceExtensionSize = data.DeviceExtensionSize;
  config.SpecificLuExtensionSize = data.SpecificLuExtensionSize;
  config.SrbExtensionSize = data.SrbExtensionSize;
  config.Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED;
  config.SynchronizationModel = StorSynchronizeHalfDuplex;  // DOC: ST-25
  config.InterruptSynchronizationMode = InterruptSupportNone;
  config.MaxNumberOfIO = 1000;
  config.MaxIOsPerLun = 255;
  config.InitialLunQueueDepth = 20;
}

Claims read_claims(const PORT_CONFIGURATION_INFORMATION& config, const HW_INITIALIZATION_DATA& data) {
  Claims claims;
  const bool full64 = (config.Dma64BitAddresses & ~(SCSI_DMA64_SYSTEM_SUPPORTED | SCSI_DMA64_MINIPORT_SUPPORTED)) != 0;
  const bool data64 = full64 || (config.Dma64BitAddresses & SCSI_DMA64_MINIPORT_SUPPORTED) != 0;  // DOC: ST-20
  claims.transfer_max = config.MaximumTransferLength == kUnset || config.MaximumTransferLength == 0
                            ? kTransferMaxDefault : config.MaximumTransferLength;
  claims.claimed_transfer_max = config.MaximumTransferLength;
  claims.breaks = config.NumberOfPhysicalBreaks == kUnset || config.NumberOfPhysicalBreaks == 0
                      ? kDefaultBreaks : std::min(config.NumberOfPhysicalBreaks, kElementsMax);
  claims.alignment_mask = config.AlignmentMask;
  claims.extension_bytes = config.SrbExtensionSize;
  claims.unit_extension_bytes = config.SpecificLuExtensionSize;
  claims.highest_data = data64 ? ~std::uint64_t{0} : k4G;
  claims.highest_common = full64 ? ~std::uint64_t{0} : k4G;
  claims.reset_hold_us = config.BusResetHoldTime;  // DOC: ST-23
  claims.map_buffers = config.MapBuffers;
  claims.buses = std::min<std::uint8_t>(config.NumberOfBuses, SCSI_MAXIMUM_BUSES_PER_ADAPTER);
  claims.targets = config.MaximumNumberOfTargets;
  claims.luns = config.MaximumNumberOfLogicalUnits;
  claims.full_duplex = config.SynchronizationModel == StorSynchronizeFullDuplex;
  claims.caches_data = config.CachesData;
  claims.storage_srb = (data.SrbTypeFlags & SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK) != 0 &&
                       config.SrbType == SRB_TYPE_STORAGE_REQUEST_BLOCK;
  claims.ios_max = std::max<std::uint32_t>(1, config.MaxNumberOfIO);  // DOC: ST-22
  claims.ios_per_unit = std::clamp<std::uint32_t>(config.MaxIOsPerLun, 1, claims.ios_max);
  if (!claims.storage_srb) claims.ios_per_unit = std::min(claims.ios_per_unit, kTaggedDepthMax);
  claims.initial_depth = std::clamp<std::uint32_t>(config.InitialLunQueueDepth, 1, claims.ios_per_unit);
  claims.message_routine = config.HwMSInterruptRoutine != nullptr && config.InterruptSynchronizationMode != InterruptSupportNone;  // DOC: ST-99
  claims.per_message = config.InterruptSynchronizationMode == InterruptSynchronizePerMessage;
  return claims;
}

void check_claims(const PORT_CONFIGURATION_INFORMATION& config, const HW_INITIALIZATION_DATA& data, const Claims& claims,
                  Trace& trace) {
  const auto broken = [&](std::string_view rule, std::string message) {
    trace.emit(RuleBroken{rule, "", std::move(message), {}});
  };
  if (!data.NeedPhysicalAddresses || !data.TaggedQueuing || !data.AutoRequestSense || !data.MultipleRequestPerLu)  // DOC: ST-12
    broken("ST-12", "HW_INITIALIZATION_DATA: NeedPhysicalAddresses, TaggedQueuing, AutoRequestSense and MultipleRequestPerLu must be TRUE");
  if (!claims.full_duplex)  // DOC: VER-92
    broken("VER-92", "HwStorFindAdapter left SynchronizationModel at half duplex, which is only for ported SCSI Port code");
  if (config.MaximumTransferLength == kUnset)  // DOC: VER-98
    broken("VER-98", "HwStorFindAdapter returned without setting MaximumTransferLength");
  if (config.NumberOfPhysicalBreaks == kUnset)
    broken("VER-98", "HwStorFindAdapter returned without setting NumberOfPhysicalBreaks");
  if (config.VirtualDevice)  // DOC: VER-101
    broken("VER-101", "HwStorFindAdapter of a physical miniport set VirtualDevice");
}

std::string map_buffers_text(std::uint8_t mode) {
  switch (mode) {
    case STOR_MAP_NO_BUFFERS: return "STOR_MAP_NO_BUFFERS";
    case STOR_MAP_ALL_BUFFERS: return "STOR_MAP_ALL_BUFFERS";
    case STOR_MAP_NON_READ_WRITE_BUFFERS: return "STOR_MAP_NON_READ_WRITE_BUFFERS";
    case STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE: return "STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE";
    default: return fmt::format("{}", mode);
  }
}

}  // namespace drydock::storport
