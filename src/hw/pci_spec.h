#pragma once
// Configuration space of a conventional PCI function: offsets and bits, from PCI Local Bus Specification 3.0 (chapter 6;
// MSI-X: 6.8.2). Nothing else.

#include <cstdint>

namespace drydock::pci {

// 6.1: type 0 header
inline constexpr std::uint32_t kVendorId = 0x00, kDeviceId = 0x02, kCommand = 0x04, kStatus = 0x06, kRevision = 0x08,
                               kInterface = 0x09, kSubClass = 0x0A, kBaseClass = 0x0B, kCacheLineSize = 0x0C,
                               kLatencyTimer = 0x0D, kBar0 = 0x10, kSubsystemVendor = 0x2C, kSubsystem = 0x2E,
                               kCapabilities = 0x34, kInterruptLine = 0x3C, kInterruptPin = 0x3D, kHeaderEnd = 0x40;
inline constexpr std::uint32_t kConfigSize = 256;

// 6.2.2, 6.2.3
inline constexpr std::uint16_t kCommandIo = 0x0001, kCommandMemory = 0x0002, kCommandBusMaster = 0x0004,
                               kCommandInterruptDisable = 0x0400;
inline constexpr std::uint16_t kStatusInterrupt = 0x0008, kStatusCapabilities = 0x0010;

// 6.2.5.1
inline constexpr std::uint32_t kBarIo = 0x1, kBar64 = 0x4, kBarIoFlags = 0x3, kBarMemoryFlags = 0xF;

// Appendix H: capability ids
inline constexpr std::uint8_t kCapabilityVendor = 0x09, kCapabilityMsix = 0x11;

// 6.8.2: MSI-X. Offsets are from the start of the capability, resp. of a table entry.
inline constexpr std::uint32_t kMsixControl = 2;
inline constexpr std::uint16_t kMsixEnable = 0x8000, kMsixFunctionMask = 0x4000;
inline constexpr std::uint32_t kMsixEntrySize = 16, kMsixVectorControl = 12;
inline constexpr std::uint32_t kMsixMasked = 0x1;
inline constexpr unsigned kMsixEntriesMax = 2048;

}  // namespace drydock::pci
