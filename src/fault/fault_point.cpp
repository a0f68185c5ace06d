#include "fault/fault_point.h"

#include <algorithm>
#include <array>

namespace drydock {

namespace {

using enum FaultPoint;

constexpr std::array<FaultDescription, kFaultPoints> kDescriptions = {{
    {lost_interrupt, "lost-interrupt", "completion interrupts", "an interrupt is not delivered: the requests it announces are done, and nobody says so", 100, false},
    {spurious_interrupt, "spurious-interrupt", "rounds of work", "an interrupt that announces nothing", 20, false},
    {early_interrupt, "early-interrupt", "rounds of work", "the interrupt comes before what it announces is in memory, and does not come again", 100, false},
    {interrupt_storm, "interrupt-storm", "rounds of work", "64 to 1024 interrupts in a row for one completion", 100, false},
    {wild_index, "wild-index", "requests", "the used ring names a descriptor that does not exist; the request itself never comes back", 200, false},
    {descriptor_loop, "descriptor-loop", "requests", "the device overwrites the request's descriptor with a link to itself", 50, false},
    {no_status, "no-status", "requests", "the request comes back without a status", 200, false},
    {wrong_length, "wrong-length", "requests", "the used ring tells a length that is not what the device wrote", 50, false},
    {late_dma, "late-dma", "requests with data", "the device reaches for the data once more when the request is over; the bus refuses it", 50, false},
    {device_gone, "device-gone", "rounds of work", "the device falls off the bus and stays away: registers read all ones, no interrupt, no DMA; within half a second the miniport is told (ScsiAdapterSurpriseRemoval), if it supports that", 500, false},
    {medium_error, "medium-error", "transfers of the disk", "a read or write fails with an error of the medium; nothing was transferred", 100, false},
    {enospc, "enospc", "writes to the file", "the host has no space left (ENOSPC)", 50, true},
    {short_io, "short-io", "reads and writes of the file", "the host transfers a part only", 10, true},
    {io_error, "io-error", "reads, writes and syncs of the file", "the host reports an I/O error (EIO)", 100, true},
    {no_mapping, "no-mapping", "mappings of MDLs", "an MDL cannot be mapped: MmMapLockedPagesSpecifyCache, and so MmGetSystemAddressForMdlSafe, gives NULL", 10, false},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kFaultPoints; ++i)
    if (kDescriptions[i].point != static_cast<FaultPoint>(i)) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const FaultDescription> fault_descriptions() { return kDescriptions; }

const FaultDescription& describe(FaultPoint point) { return kDescriptions[static_cast<std::size_t>(point)]; }

const FaultDescription* find_fault(std::string_view name) {
  const auto found = std::find_if(kDescriptions.begin(), kDescriptions.end(), [&](const auto& d) { return d.name == name; });
  return found == kDescriptions.end() ? nullptr : &*found;
}

}  // namespace drydock
