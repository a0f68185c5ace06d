#pragma once
// PciTransport: a virtio device on PCI, without what it does: registers, capabilities, negotiation, queues, interrupts
// (virtio 1.2, 4.1). A device derives from it, says what it offers, and gets called when the driver is ready, rings a
// doorbell, writes device configuration or resets.
//
// States, as the driver's status register shows them: reset -> FEATURES_OK -> DRIVER_OK -> (reset | NEEDS_RESET). A rule
// of the standard that the driver breaks is reported once, where it happens (DeviceRejected); what cannot be gone on from
// ends in NEEDS_RESET, and the device touches no memory until it is reset.
//
// BAR 4 (64-bit): a page each for common configuration, ISR, device configuration, and doorbells. BAR 1: MSI-X.
//
// A device may have the legacy interface (virtio 0.9.5; 4.1.4.8) instead, or both (transitional): registers in I/O BAR 0,
// features of 32 bits, queues of a fixed size at a page number, no FEATURES_OK (legacy_registers.cpp). Which of the two a
// driver has begun to use decides until the next reset.

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices/virtio/spec.h"
#include "devices/virtio/split_queue.h"
#include "hw/pci.h"

namespace drydock::virtio {

/// Which interfaces a device has (1.3.1).
enum class Interface : std::uint8_t { modern, transitional, legacy };

class PciTransport : public PciFunction {
 public:
  static constexpr unsigned kRegisterBar = 4, kMsixBar = 1, kLegacyBar = 0;
  static constexpr std::uint32_t kCommonAt = 0x0000, kIsrAt = 0x1000, kDeviceAt = 0x2000, kNotifyAt = 0x3000, kBarSize = 0x4000;
  static constexpr std::uint32_t kNotifyMultiplier = 4;

  struct Shape {
    std::string_view name;            ///< "virtio-blk", for reports
    Interface interface;
    std::uint16_t device_type;        ///< the standard's device number, e.g. 2 for block
    std::uint16_t transitional_id;    ///< its PCI device id when it has the legacy interface (4.1.2.1)
    std::uint8_t base_class, sub_class;
    Features offered;                 ///< the device's own; VERSION_1 is added
    unsigned queues;
    std::uint16_t queue_size;         ///< the most a driver may use
    bool msix;
    std::uint32_t config_bytes;       ///< of device configuration
  };

 protected:
  PciTransport(const Shape& shape, const BoardServices& board);

  // --- what a device does -------------------------------------------------------------------------------------------
  /// FEATURES_OK was accepted; of the legacy interface: features were written.
  virtual void features_chosen() {}
  /// The doorbell of a running queue.
  virtual void notified(unsigned queue) = 0;
  /// Everything in flight is forgotten; queues are stopped already.
  virtual void reset_device() = 0;
  /// Device configuration was written; by default a driver may write none of it.
  virtual void config_written(std::uint32_t offset, unsigned size, std::uint64_t value);

  // --- what it may ask for ------------------------------------------------------------------------------------------
  bool negotiated(Features bits) const { return (driver_features_ & bits) == bits; }
  SplitQueue& queue(unsigned index) { return queues_[index].ring; }
  /// Must a request's parts lie in descriptors of their own? (5.2.6.4: the legacy interface without ANY_LAYOUT)
  bool fixed_layout() const { return legacy_in_use_ && !negotiated(kAnyLayout); }
  bool driver_ready() const { return (common_.device_status & (kDriverOk | kNeedsReset)) == kDriverOk; }
  std::span<std::byte> device_config() { return device_config_; }
  void interrupt(unsigned queue);
  /// A device that is told to misbehave: the line without a cause in the ISR status, or as that says again.
  void glitch_line(bool asserted) { set_interrupt_line(asserted || isr_ != 0); }
  /// Reports what the driver did wrong; the device goes on.
  template <class... Args>
  [[gnu::cold, gnu::noinline]] void complain(fmt::format_string<Args...> format, Args... args) {
    report(fmt::vformat(format, fmt::make_format_args(args...)));
  }
  /// The same, in a place that answers whether all is well.
  template <class... Args>
  [[gnu::cold, gnu::noinline]] bool reject(fmt::format_string<Args...> format, Args... args) {
    report(fmt::vformat(format, fmt::make_format_args(args...)));
    return false;
  }
  /// Reports, and stops until the driver resets (2.1.2).
  void fail(std::string message);

  std::uint64_t read_register(unsigned bar, std::uint32_t offset, unsigned size) final;
  void write_register(unsigned bar, std::uint32_t offset, unsigned size, std::uint64_t value) final;
  void before_config_read(std::uint32_t offset, unsigned size) final;
  void after_config_write(std::uint32_t offset, unsigned size) final;

 private:
  struct Queue {
    explicit Queue(BusMaster& master) : ring(master) {}
    SplitQueue ring;
    std::uint16_t size = 0;
    std::uint16_t vector = kNoVector;
    bool enabled = false;
    std::array<std::uint64_t, 3> addresses{};  ///< descriptors, available, used
  };

  void report(std::string message);
  void add_virtio_capabilities();
  void add_virtio_capability(CapabilityType type, std::uint32_t offset, std::uint32_t size);
  void doorbell(std::uint32_t offset, std::uint64_t value);
  std::uint8_t read_isr();
  void raise(std::uint16_t vector, std::uint8_t cause);
  void write_common(std::uint32_t offset, unsigned size, std::uint64_t value);
  void write_queue_field(std::uint32_t offset, unsigned size, std::uint32_t value);
  void write_address(Queue& queue, std::uint32_t offset, std::uint32_t value);
  void write_driver_features(std::uint32_t value);
  void write_status(std::uint8_t value);
  void settle_features();
  void enable_queue(std::uint32_t value);
  void set_queue_size(std::uint32_t value);
  std::uint16_t usable_vector(std::uint32_t value) const;
  void show_queue();
  void show_device_feature();
  void reset();
  void forget();
  bool access_window(std::uint32_t& bar, std::uint32_t& offset, std::uint32_t& length);
  // the legacy interface
  std::uint32_t legacy_config_at() const { return msix_enabled() ? legacy::kConfigWithMsix : legacy::kConfigWithoutMsix; }
  std::uint64_t read_legacy(std::uint32_t offset, unsigned size);
  std::uint32_t legacy_field(std::uint32_t offset, unsigned size);
  void write_legacy(std::uint32_t offset, unsigned size, std::uint64_t value);
  bool begin_legacy_use(std::uint32_t offset, std::uint32_t value);
  void write_legacy_status(std::uint8_t value);
  void write_legacy_features(std::uint32_t value);
  void write_legacy_queue(std::uint32_t offset, unsigned size, std::uint32_t value);
  void place_legacy_queue(std::uint32_t page);
  void legacy_doorbell(std::uint32_t index);

  Shape shape_;
  Features offered_;
  Features driver_features_ = 0;
  CommonConfig common_{};  ///< what the driver reads, kept current
  std::vector<std::byte> device_config_;
  std::vector<Queue> queues_;
  std::uint8_t isr_ = 0;
  std::uint8_t access_capability_ = 0;
  bool legacy_in_use_ = false;  ///< the driver speaks through BAR 0
};

}  // namespace drydock::virtio
