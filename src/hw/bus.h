#pragma once
// Bus: one PCI bus: functions in slots, and who answers at a bus address. plug() does what firmware does: it gives every
// BAR an address (64-bit memory BARs above all RAM, the others in the hole below 4 GiB), enables the function and gives
// it an interrupt line. It owns nothing; functions outlive the bus or are unplugged.
//
// A slot number is the device number in bits 0…4 and the function number in bits 5…7.

#include <array>
#include <cstdint>
#include <optional>

#include "hw/pci.h"

namespace drydock {

class Bus {
 public:
  static constexpr unsigned kSlots = 256;
  static constexpr unsigned slot_number(unsigned device, unsigned function) { return device | function << 5; }

  /// The slot must be empty.
  void plug(unsigned slot, PciFunction& function);
  /// The addresses are not given to another function.
  void unplug(unsigned slot) { functions_[slot] = nullptr; }
  /// nullptr when the slot is empty, or is no slot number.
  PciFunction* function(unsigned slot) const { return slot < kSlots ? functions_[slot] : nullptr; }

  /// size is 1, 2 or 4. An empty slot reads all ones.
  std::uint32_t read_config(unsigned slot, std::uint32_t offset, unsigned size);
  void write_config(unsigned slot, std::uint32_t offset, unsigned size, std::uint32_t value);

  struct Hit {
    PciFunction* function;
    unsigned bar;
    std::uint32_t offset;  ///< in the BAR
  };
  /// Who answers now; none when nobody decodes the address.
  std::optional<Hit> find_memory(std::uint64_t bus_address) const { return find(bus_address, true); }
  std::optional<Hit> find_port(std::uint32_t port) const { return find(port, false); }

  static constexpr std::uint64_t kMemoryHole = 0xC000'0000, kMemoryHoleEnd = 0xFEC0'0000;
  static constexpr std::uint64_t kHighMemory = 0x80'0000'0000;  ///< 512 GiB
  static constexpr std::uint32_t kPorts = 0xC000, kPortsEnd = 0x1'0000;

 private:
  std::optional<Hit> find(std::uint64_t address, bool memory) const;
  std::uint64_t take_address(const PciBar& bar);

  std::array<PciFunction*, kSlots> functions_{};
  std::uint64_t next_memory_ = kMemoryHole, next_high_ = kHighMemory, next_port_ = kPorts;
};

}  // namespace drydock
