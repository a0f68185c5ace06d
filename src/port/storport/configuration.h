#pragma once
// What a miniport declared (HW_INITIALIZATION_DATA), what it is offered and what it claims in HwStorFindAdapter
// (PORT_CONFIGURATION_INFORMATION), and the checks on both.

#include <array>
#include <string>

#include "abi/wdk.h"
#include "base/result.h"
#include "hw/pci.h"
#include "trace/trace.h"

namespace drydock::storport {

/// DOC: ST-10 the status StorPortInitialize returns for what it was given; `data` receives a full-size copy.
NTSTATUS read_initialization_data(const void* given, HW_INITIALIZATION_DATA& data);

inline constexpr unsigned kAccessRangesMax = PciFunction::kBars;

/// The resources of one PCI function as HwStorFindAdapter is offered them.
struct Resources {
  std::array<ACCESS_RANGE, kAccessRangesMax> ranges{};
  unsigned count = 0;
  unsigned slot = 0;
};
Resources resources_of(const PciFunction& function, unsigned slot);

/// DOC: ST-16 ST-17 ST-20 ST-22 ST-24 ST-26 the defaults a physical miniport finds in its configuration information.
void preset(PORT_CONFIGURATION_INFORMATION& config, const HW_INITIALIZATION_DATA& data, const Resources& resources,
            ACCESS_RANGE* ranges, bool message_interrupts);

/// What the port driver works with after HwStorFindAdapter.
struct Claims {
  std::uint32_t transfer_max = 0;      ///< bytes, one request
  std::uint32_t claimed_transfer_max = 0;  ///< as the miniport wrote it
  std::uint32_t breaks = 0;            ///< scatter/gather elements, one request
  std::uint32_t alignment_mask = 0;
  std::uint32_t extension_bytes = 0;   ///< SRB extension
  std::uint32_t unit_extension_bytes = 0;
  std::uint64_t highest_data = 0;      ///< highest physical address the device reaches for data
  std::uint64_t highest_common = 0;    ///< … for uncached and SRB extensions
  std::uint32_t ios_max = 0, ios_per_unit = 0, initial_depth = 0;
  std::uint32_t reset_hold_us = 0;     ///< the adapter is paused that long after HwStorResetBus
  std::uint8_t map_buffers = 0, buses = 0, targets = 0, luns = 0;
  bool full_duplex = false, caches_data = false, storage_srb = false, per_message = false, message_routine = false;
};
Claims read_claims(const PORT_CONFIGURATION_INFORMATION& config, const HW_INITIALIZATION_DATA& data);

/// DOC: ST-12 VER-92 VER-98 VER-101 emits RuleBroken for what the declarations violate.
void check_claims(const PORT_CONFIGURATION_INFORMATION& config, const HW_INITIALIZATION_DATA& data, const Claims& claims,
                  Trace& trace);

std::string map_buffers_text(std::uint8_t mode);

}  // namespace drydock::storport
