#pragma once
// Wire formats of virtio over PCI with split virtqueues. Section numbers are those of "Virtual I/O Device (VIRTIO) Version
// 1.2" (OASIS). Everything is little-endian.

#include <bit>
#include <cstddef>
#include <cstdint>

namespace drydock::virtio {

static_assert(std::endian::native == std::endian::little, "wire structures are used in place");

// --- 2.1: device status -----------------------------------------------------------------------------------------------
inline constexpr std::uint8_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8, kNeedsReset = 64, kFailed = 128;

// --- 6: reserved feature bits -----------------------------------------------------------------------------------------
using Features = std::uint64_t;
constexpr Features feature(unsigned bit) { return Features{1} << bit; }
inline constexpr Features kIndirectDescriptors = feature(28), kEventIndex = feature(29), kVersion1 = feature(32);
inline constexpr Features kAnyLayout = feature(27);  // 6.3: of the legacy interface only

// --- 2.7: split virtqueues --------------------------------------------------------------------------------------------
inline constexpr std::uint16_t kQueueSizeMax = 32768;  // 2.7

struct Descriptor {  // 2.7.5
  std::uint64_t address;
  std::uint32_t length;
  std::uint16_t flags;
  std::uint16_t next;
};
static_assert(sizeof(Descriptor) == 16);
inline constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;

// 2.7.6: available ring: flags, idx, ring[size], used_event
inline constexpr std::uint16_t kNoInterrupt = 1;
namespace available {
inline constexpr std::uint32_t kFlags = 0, kIndex = 2;
constexpr std::uint32_t entry(std::uint32_t i) { return 4 + 2 * i; }
constexpr std::uint32_t used_event(std::uint32_t size) { return entry(size); }
constexpr std::uint32_t bytes(std::uint32_t size) { return used_event(size) + 2; }
}  // namespace available

// 2.7.8: used ring: flags, idx, ring[size] of {id, len}, avail_event
namespace used {
inline constexpr std::uint32_t kFlags = 0, kIndex = 2;
constexpr std::uint32_t entry(std::uint32_t i) { return 4 + 8 * i; }
constexpr std::uint32_t avail_event(std::uint32_t size) { return entry(size); }
constexpr std::uint32_t bytes(std::uint32_t size) { return avail_event(size) + 2; }
}  // namespace used

// 2.7: alignments
inline constexpr std::uint64_t kDescriptorAlign = 16, kAvailableAlign = 2, kUsedAlign = 4;

// --- 4.1.2, 4.1.5: PCI identity ---------------------------------------------------------------------------------------
inline constexpr std::uint16_t kPciVendor = 0x1AF4;
constexpr std::uint16_t pci_device(std::uint16_t device_type) { return static_cast<std::uint16_t>(0x1040 + device_type); }
inline constexpr std::uint8_t kModernRevision = 1, kTransitionalRevision = 0;

// --- 4.1.4: capabilities ----------------------------------------------------------------------------------------------
enum class CapabilityType : std::uint8_t { common = 1, notify = 2, isr = 3, device = 4, pci_access = 5 };

/// Behind the two bytes that every capability begins with.
struct CapabilityBody {
  std::uint8_t length;  ///< of the whole capability
  CapabilityType type;
  std::uint8_t bar;
  std::uint8_t id;
  std::uint8_t padding[2];
  std::uint32_t offset;
  std::uint32_t size;
} __attribute__((packed));
static_assert(sizeof(CapabilityBody) == 14);

struct NotifyBody {  // 4.1.4.4
  CapabilityBody common;
  std::uint32_t multiplier;
} __attribute__((packed));
static_assert(sizeof(NotifyBody) == 18);

struct PciAccessBody {  // 4.1.4.9
  CapabilityBody common;
  std::uint8_t data[4];
} __attribute__((packed));
static_assert(sizeof(PciAccessBody) == 18);
/// Offsets from the start of that capability.
inline constexpr std::uint32_t kAccessBar = 4, kAccessOffset = 8, kAccessLength = 12, kAccessData = 16, kAccessEnd = 20;

struct CommonConfig {  // 4.1.4.3
  std::uint32_t device_feature_select;
  std::uint32_t device_feature;
  std::uint32_t driver_feature_select;
  std::uint32_t driver_feature;
  std::uint16_t config_msix_vector;
  std::uint16_t num_queues;
  std::uint8_t device_status;
  std::uint8_t config_generation;
  std::uint16_t queue_select;
  std::uint16_t queue_size;
  std::uint16_t queue_msix_vector;
  std::uint16_t queue_enable;
  std::uint16_t queue_notify_off;
  std::uint32_t queue_desc[2];
  std::uint32_t queue_driver[2];
  std::uint32_t queue_device[2];
  std::uint16_t queue_notify_data;
  std::uint16_t queue_reset;
};
static_assert(sizeof(CommonConfig) == 60);
static_assert(offsetof(CommonConfig, device_status) == 20 && offsetof(CommonConfig, queue_select) == 22);
static_assert(offsetof(CommonConfig, queue_desc) == 32 && offsetof(CommonConfig, queue_device) == 48);
inline constexpr std::uint16_t kNoVector = 0xFFFF;

// 4.1.4.8: the legacy interface, in the first I/O BAR. Device configuration follows, behind the vectors while MSI-X is on.
namespace legacy {
inline constexpr std::uint32_t kDeviceFeatures = 0x00, kDriverFeatures = 0x04, kQueueAddress = 0x08, kQueueSize = 0x0C,
                               kQueueSelect = 0x0E, kQueueNotify = 0x10, kStatus = 0x12, kIsr = 0x13, kConfigVector = 0x14,
                               kQueueVector = 0x16;
inline constexpr std::uint32_t kConfigWithoutMsix = 0x14, kConfigWithMsix = 0x18;
inline constexpr unsigned kAddressShift = 12;         // a queue's address is a page number
inline constexpr std::uint64_t kUsedAlign = 4096;     // 2.7.2: where the used ring begins
constexpr std::uint64_t used_at(std::uint32_t size) {
  return (size * sizeof(Descriptor) + available::bytes(size) + kUsedAlign - 1) & ~(kUsedAlign - 1);
}
}  // namespace legacy

// 4.1.4.5: ISR status
inline constexpr std::uint8_t kIsrQueue = 1, kIsrConfig = 2;

}  // namespace drydock::virtio
