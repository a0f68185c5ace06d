#pragma once
// FaultPoint: the closed list of places where hardware and its disk may be made to misbehave. A fault is one line at a
// named point: `if (faults.strikes(FaultPoint::lost_interrupt)) return;`. What is in this list the command line can name.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace drydock {

enum class FaultPoint : std::uint8_t {
  // the device
  lost_interrupt, spurious_interrupt, early_interrupt, interrupt_storm,
  wild_index, descriptor_loop, no_status, wrong_length, late_dma, device_gone, medium_error,
  // the file behind it
  enospc, short_io, io_error,
  // the system
  no_mapping,
};
inline constexpr std::size_t kFaultPoints = 15;

struct FaultDescription {
  FaultPoint point;
  std::string_view name;         ///< as users write it
  std::string_view opportunity;  ///< what the rate is a part of: "of completion interrupts"
  std::string_view help;         ///< what happens
  std::uint32_t one_in;          ///< the rate without another word
  bool of_file;                  ///< a fault of the file behind the device, not of the device
};

/// In the order of FaultPoint.
std::span<const FaultDescription> fault_descriptions();
const FaultDescription& describe(FaultPoint point);
/// nullptr: there is no such fault.
const FaultDescription* find_fault(std::string_view name);

}  // namespace drydock
