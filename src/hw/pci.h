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

#include "fault/fault_plan.h"
#include "hw/bus_master.h"
#include "hw/interrupt.h"
#include "hw/pci_spec.h"
#include "sched/timeline.h"

namespace drydock {

struct PciIdentity {
  std::uint16_t vendor, device, subsystem_vendor, subsystem;
  std::uint8_t revision, base_class, sub_class, interface;
};

struct PciBar {
  std::uint64_t address = 0;  ///< bus address as config space holds it now
  std::uint32_t size = 0;     ///< bytes, a power of two; 0: not implemented
  bool memory = true;
  bool is_64bit = false;
};

/// What the machine gives to every device it plugs in. All outlive the device.
struct BoardServices {
  Timeline& timeline;
  BusMaster& bus_master;
  InterruptSink& interrupts;
  Trace& trace;
  FaultPlan* faults = nullptr;  ///< what goes wrong on purpose; null: nothing
};

class PciFunction {
 public:
  PciFunction(const PciIdentity& identity, const BoardServices& board);
  virtual ~PciFunction() = default;
  PciFunction(const PciFunction&) = delete;
  PciFunction& operator=(const PciFunction&) = delete;

  // --- configuration space (256 bytes are implemented; above reads as 0) ------------------------------------------
  /// size is 1, 2 or 4. Not const: devices may have live windows in it.
  std::uint32_t read_config(std::uint32_t offset, unsigned size);
  /// Changes the writable bits only. Writing all ones to a BAR and reading it back gives its size.
  void write_config(std::uint32_t offset, unsigned size, std::uint32_t value);
  std::span<const std::byte> config() const { return config_; }

  // --- BARs ---------------------------------------------------------------------------------------------------------
  static constexpr unsigned kBars = 6;
  const PciBar& bar(unsigned index) const { return bars_[index]; }
  /// size is 1, 2, 4 or 8; an offset past the BAR reads all ones and writes nothing.
  std::uint64_t read_bar(unsigned index, std::uint32_t offset, unsigned size);
  void write_bar(unsigned index, std::uint32_t offset, unsigned size, std::uint64_t value);
  /// Does the BAR answer at its address now (command register)?
  bool decodes(unsigned index) const {
    return bars_[index].size != 0 && (command() & (bars_[index].memory ? pci::kCommandMemory : pci::kCommandIo)) != 0;
  }

  // --- firmware and the port driver ---------------------------------------------------------------------------------
  void place_bar(unsigned index, std::uint64_t address);
  /// Enables decoding and bus mastering; `line` is what the interrupt line register says.
  void power_on(std::uint8_t line);
  std::uint8_t interrupt_line() const { return static_cast<std::uint8_t>(config_[pci::kInterruptLine]); }
  /// Number of MSI-X table entries; 0 without the capability.
  unsigned msix_entries() const { return static_cast<unsigned>(msix_.size()); }
  bool msix_enabled() const { return (msix_control() & pci::kMsixEnable) != 0; }
  /// Firmware/OS: program entry i to send `data`, unmask it; enable MSI-X as a whole.
  void program_msix(unsigned entry, std::uint64_t address, std::uint32_t data);
  void enable_msix(bool on);
  void mask_msix(unsigned entry, bool masked);
  /// Surprise removal: every read gives all ones, writes do nothing, no interrupt comes any more.
  void set_gone(bool gone);
  bool gone() const { return gone_; }
  /// The slot is found empty: the board hears of it.
  void tell_departure() { board_.interrupts.departed(); }

  /// Where in the driver the last write to a register came from: what most likely sent the device to the addresses it uses.
  /// Only the instruction is kept: its stack is another when somebody asks.
  void written_from(const CodePlace& place) { writer_ = {.rip = place.rip, .is_return_address = place.is_return_address}; }
  const CodePlace& last_writer() const { return writer_; }

 protected:
  // --- for devices --------------------------------------------------------------------------------------------------
  /// `size` is a power of two, 16 at least (4 for ports); a 64-bit BAR takes the next index too.
  void add_bar(unsigned index, std::uint32_t size, bool memory = true, bool is_64bit = false);
  /// Appends a capability (id and body after the two header bytes); returns its offset in config space.
  std::uint8_t add_capability(std::uint8_t id, std::span<const std::byte> body);
  /// Lets software write these bytes of config space.
  void make_writable(std::uint32_t offset, unsigned bytes);
  /// Puts the MSI-X table and PBA into `bar` from `offset` on (PBA in the second half of a page or after the table);
  /// the base class serves those registers itself.
  void add_msix(unsigned entries, unsigned bar, std::uint32_t offset);

  /// Sends MSI-X message `entry` (pends while masked). No effect unless enabled.
  void send_msix(unsigned entry);
  /// The INTx pin; shown in the status register; passed on unless disabled in the command register or by MSI-X.
  void set_interrupt_line(bool asserted);
  /// May the device reach memory (command register)?
  bool bus_mastering() const { return (command() & pci::kCommandBusMaster) != 0 && !gone_; }
  std::span<std::byte> config_bytes() { return config_; }

  virtual std::uint64_t read_register(unsigned bar, std::uint32_t offset, unsigned size) = 0;
  virtual void write_register(unsigned bar, std::uint32_t offset, unsigned size, std::uint64_t value) = 0;
  /// Software is about to read, or has just written, config bytes behind the header.
  virtual void before_config_read(std::uint32_t /*offset*/, unsigned /*size*/) {}
  virtual void after_config_write(std::uint32_t /*offset*/, unsigned /*size*/) {}

  BoardServices board_;

 private:
  struct MsixEntry {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    bool masked = true;
    bool pending = false;
  };
  template <class T>
  T get(std::uint32_t offset) const {
    T value;
    std::memcpy(&value, &config_[offset], sizeof value);
    return value;
  }
  template <class T>
  void set(std::uint32_t offset, T value) {
    std::memcpy(&config_[offset], &value, sizeof value);
  }
  std::uint16_t command() const { return get<std::uint16_t>(pci::kCommand); }
  std::uint16_t msix_control() const {
    return msix_capability_ == 0 ? std::uint16_t{0} : get<std::uint16_t>(msix_capability_ + pci::kMsixControl);
  }
  void read_back_bar(unsigned index);
  void header_written(std::uint32_t offset, unsigned size);
  void settle_interrupts();
  void deliver_pending(unsigned entry);
  bool in_msix(unsigned bar, std::uint32_t offset) const { return bar == msix_bar_ && offset - msix_offset_ < msix_bytes_; }
  std::uint32_t read_msix_word(std::uint32_t offset) const;
  void write_msix_word(std::uint32_t offset, std::uint32_t value);
  std::uint64_t read_msix(std::uint32_t offset, unsigned size) const;
  void write_msix(std::uint32_t offset, unsigned size, std::uint64_t value);

  std::array<std::byte, pci::kConfigSize> config_{};
  std::array<std::byte, pci::kConfigSize> writable_{};  ///< a mask for every byte
  std::array<PciBar, kBars> bars_{};
  std::vector<MsixEntry> msix_;
  unsigned msix_bar_ = ~0u;
  std::uint32_t msix_offset_ = 0, msix_bytes_ = 0, pba_offset_ = 0;
  std::uint8_t msix_capability_ = 0;
  std::uint8_t last_capability_ = 0;
  std::uint16_t free_config_ = pci::kHeaderEnd;
  bool line_ = false;         ///< as the device holds it
  bool line_passed_ = false;  ///< as the board sees it
  bool gone_ = false;
  CodePlace writer_;
};

}  // namespace drydock
