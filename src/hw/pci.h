#pragma once
// PciFunction: one PCI function on the board: configuration space with its capabilities, up to six BARs, an MSI-X table,
// INTx. Firmware has already been here: BARs are placed, memory and bus mastering enabled, MSI-X enabled if the machine
// is to use it (drivers read it with StorPortGetBusData before HwFindAdapter). Devices derive from it and see their own
// registers as (bar, offset) only.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hw/bus_master.h"
#include "hw/interrupt.h"
#include "sched/timeline.h"

namespace drydock {

struct PciIdentity {
  std::uint16_t vendor, device, subsystem_vendor, subsystem;
  std::uint8_t revision, base_class, sub_class, interface;
};

struct PciBar {
  std::uint64_t address = 0;  ///< bus address as config space holds it; 0: not implemented
  std::uint32_t size = 0;     ///< bytes, a power of two
  bool memory = true;
  bool is_64bit = false;
};

/// What the machine gives to every device it plugs in. All outlive the device.
struct BoardServices {
  Timeline& timeline;
  BusMaster& bus_master;
  InterruptSink& interrupts;
  Trace& trace;
};

class PciFunction {
 public:
  PciFunction(const PciIdentity& identity, const BoardServices& board);
  virtual ~PciFunction() = default;
  PciFunction(const PciFunction&) = delete;
  PciFunction& operator=(const PciFunction&) = delete;

  // --- configuration space (256 bytes are implemented; above reads as 0) ------------------------------------------
  std::uint32_t read_config(std::uint32_t offset, unsigned size) const;
  void write_config(std::uint32_t offset, unsigned size, std::uint32_t value);
  std::span<const std::byte> config() const { return config_; }

  // --- BARs ---------------------------------------------------------------------------------------------------------
  static constexpr unsigned kBars = 6;
  const PciBar& bar(unsigned index) const { return bars_[index]; }
  /// size is 1, 2, 4 or 8; an offset past the BAR reads all ones and writes nothing.
  std::uint64_t read_bar(unsigned index, std::uint32_t offset, unsigned size);
  void write_bar(unsigned index, std::uint32_t offset, unsigned size, std::uint64_t value);

  // --- firmware and the port driver ---------------------------------------------------------------------------------
  /// Gives every BAR an address (64-bit memory BARs above 4 GiB when `high`), sets the command register and the IRQ line.
  void place_bars(std::uint64_t memory_base, std::uint32_t io_base);
  /// Number of MSI-X table entries; 0 without the capability.
  unsigned msix_entries() const { return static_cast<unsigned>(msix_.size()); }
  bool msix_enabled() const;
  /// Firmware/OS: program entry i to send `data`, unmask it; enable MSI-X as a whole.
  void program_msix(unsigned entry, std::uint64_t address, std::uint32_t data);
  void enable_msix(bool on);
  void mask_msix(unsigned entry, bool masked);

 protected:
  // --- for devices --------------------------------------------------------------------------------------------------
  void add_bar(unsigned index, std::uint32_t size, bool memory = true, bool is_64bit = false);
  /// Appends a capability (id and body after the two header bytes); returns its offset in config space.
  std::uint8_t add_capability(std::uint8_t id, std::span<const std::byte> body);
  /// Puts the MSI-X table and PBA into `bar` at `offset`; the base class serves those registers itself.
  void add_msix(unsigned entries, unsigned bar, std::uint32_t offset);

  /// Sends MSI-X message `entry` (pends while masked). No effect unless enabled.
  void send_msix(unsigned entry);
  /// The INTx pin; shown in the status register; passed on unless disabled in the command register.
  void set_interrupt_line(bool asserted);

  virtual std::uint64_t read_register(unsigned bar, std::uint32_t offset, unsigned size) = 0;
  virtual void write_register(unsigned bar, std::uint32_t offset, unsigned size, std::uint64_t value) = 0;

  BoardServices board_;

 private:
  struct MsixEntry {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    bool masked = true;
    bool pending = false;
  };
  std::array<std::byte, 256> config_{};
  std::array<PciBar, kBars> bars_{};
  std::vector<MsixEntry> msix_;
  unsigned msix_bar_ = 0;
  std::uint32_t msix_offset_ = 0;
  std::uint8_t msix_capability_ = 0;
  std::uint8_t last_capability_ = 0;
  std::uint16_t free_config_ = 0x40;
  bool line_ = false;
};

}  // namespace drydock
