#include "devices/virtio/pci_transport.h"

#include <algorithm>
#include <bit>

namespace drydock::virtio {

namespace {

constexpr std::uint16_t kSubsystem = 0x1100;  // 4.1.2.1: any from 0x40 on; this one is what drivers in the field match on

PciIdentity identity_of(const PciTransport::Shape& shape) {
  if (shape.interface != Interface::modern)  // 4.1.2.3: the subsystem is the device's type
    return {kPciVendor, shape.transitional_id, kPciVendor, shape.device_type, kTransitionalRevision, shape.base_class, shape.sub_class, 0};
  return {kPciVendor, pci_device(shape.device_type), kPciVendor, kSubsystem, kModernRevision, shape.base_class, shape.sub_class, 0};
}

template <class T>
std::span<const std::byte> bytes_of(const T& body) {
  return std::as_bytes(std::span(&body, 1));
}

}  // namespace

PciTransport::PciTransport(const Shape& shape, const BoardServices& board)
    : PciFunction(identity_of(shape), board), shape_(shape), offered_(shape.offered), device_config_(shape.config_bytes) {
  const bool modern = shape.interface != Interface::legacy;
  if (modern) offered_ |= kVersion1;
  queues_.reserve(shape.queues);
  for (unsigned i = 0; i < shape.queues; ++i) queues_.emplace_back(board_.bus_master);
  if (shape.interface != Interface::modern) add_bar(kLegacyBar, std::bit_ceil(legacy::kConfigWithMsix + shape.config_bytes), false);
  if (modern) add_bar(kRegisterBar, kBarSize, true, true);
  if (shape.msix) {
    add_bar(kMsixBar, kPageSize);
    add_msix(shape.queues + 1, kMsixBar, 0);
  }
  if (modern) add_virtio_capabilities();
  common_.num_queues = static_cast<std::uint16_t>(shape.queues);
  forget();
}

// --- capabilities (4.1.4) ---------------------------------------------------------------------------------------------

void PciTransport::add_virtio_capability(CapabilityType type, std::uint32_t offset, std::uint32_t size) {
  const CapabilityBody body{2 + sizeof body, type, kRegisterBar, 0, {}, offset, size};
  add_capability(pci::kCapabilityVendor, bytes_of(body));
}

void PciTransport::add_virtio_capabilities() {
  add_virtio_capability(CapabilityType::common, kCommonAt, sizeof(CommonConfig));
  add_virtio_capability(CapabilityType::isr, kIsrAt, 1);
  add_virtio_capability(CapabilityType::device, kDeviceAt, shape_.config_bytes);
  const NotifyBody notify{{2 + sizeof notify, CapabilityType::notify, kRegisterBar, 0, {}, kNotifyAt, shape_.queues * kNotifyMultiplier},
                          kNotifyMultiplier};
  add_capability(pci::kCapabilityVendor, bytes_of(notify));
  const PciAccessBody access{{2 + sizeof access, CapabilityType::pci_access, 0, 0, {}, 0, 0}, {}};
  access_capability_ = add_capability(pci::kCapabilityVendor, bytes_of(access));
  make_writable(access_capability_ + kAccessBar, 1);
  make_writable(access_capability_ + kAccessOffset, kAccessEnd - kAccessOffset);
}

/// 4.1.4.9: the registers seen through config space, for software that cannot map BARs. False: nothing is accessed.
bool PciTransport::access_window(std::uint32_t& bar, std::uint32_t& offset, std::uint32_t& length) {
  const std::byte* window = &config()[access_capability_];
  bar = static_cast<std::uint8_t>(window[kAccessBar]);
  std::memcpy(&offset, window + kAccessOffset, sizeof offset);
  std::memcpy(&length, window + kAccessLength, sizeof length);
  return bar < kBars && (length == 1 || length == 2 || length == 4) && offset % length == 0;
}

void PciTransport::before_config_read(std::uint32_t offset, unsigned size) {
  const std::uint32_t data = access_capability_ + kAccessData;
  std::uint32_t bar, at, length;
  if (offset + size <= data || offset >= access_capability_ + kAccessEnd || !access_window(bar, at, length)) return;
  const std::uint64_t value = read_bar(bar, at, length);
  std::memcpy(&config_bytes()[data], &value, length);
}

void PciTransport::after_config_write(std::uint32_t offset, unsigned size) {
  const std::uint32_t data = access_capability_ + kAccessData;
  std::uint32_t bar, at, length;
  if (offset + size <= data || offset >= access_capability_ + kAccessEnd || !access_window(bar, at, length)) return;
  std::uint32_t value = 0;
  std::memcpy(&value, &config()[data], length);
  write_bar(bar, at, length, value);
}

// --- registers --------------------------------------------------------------------------------------------------------

std::uint64_t PciTransport::read_register(unsigned bar, std::uint32_t offset, unsigned size) {
  const auto copy = [&](std::span<const std::byte> from, std::uint32_t at) {
    std::uint64_t value = 0;
    if (at < from.size()) std::memcpy(&value, &from[at], std::min<std::size_t>(size, from.size() - at));
    return value;
  };
  if (bar == kLegacyBar) return read_legacy(offset, size);
  if (bar != kRegisterBar || offset >= kNotifyAt) return 0;
  if (offset >= kDeviceAt) return copy(device_config_, offset - kDeviceAt);
  if (offset >= kIsrAt) return offset == kIsrAt ? read_isr() : 0;
  return copy(bytes_of(common_), offset - kCommonAt);
}

void PciTransport::write_register(unsigned bar, std::uint32_t offset, unsigned size, std::uint64_t value) {
  if (bar != kRegisterBar) [[unlikely]] return bar == kLegacyBar ? write_legacy(offset, size, value) : void();
  if (offset >= kNotifyAt) [[likely]] return doorbell(offset - kNotifyAt, value);
  if (offset >= kDeviceAt) return config_written(offset - kDeviceAt, size, value);
  if (offset >= kIsrAt) return complain("the ISR status register is read-only (4.1.4.5)");
  write_common(offset, size, value);
}

void PciTransport::config_written(std::uint32_t offset, unsigned, std::uint64_t) {
  complain("device configuration +{:#x} is read-only", offset);
}

void PciTransport::doorbell(std::uint32_t offset, std::uint64_t value) {
  const std::uint32_t index = offset / kNotifyMultiplier;
  if (offset % kNotifyMultiplier != 0 || index >= queues_.size() || value != index) [[unlikely]]
    return complain("doorbell at +{:#x} written with {}: no such queue (4.1.4.4)", offset, value);
  if (!driver_ready()) [[unlikely]] {
    if ((common_.device_status & kNeedsReset) == 0) complain("doorbell of queue {} before DRIVER_OK (3.1.1)", index);
    return;
  }
  if (!queues_[index].ring.running()) [[unlikely]]
    return complain("doorbell of queue {}, which is not enabled (4.1.4.3.2)", index);
  notified(index);
}

/// 4.1.4.3.1: a field is written with its own width (64-bit fields as two halves).
void PciTransport::write_common(std::uint32_t offset, unsigned size, std::uint64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  if (size == 8 && offset >= offsetof(CommonConfig, queue_desc) && offset % 8 == 0 && offset < offsetof(CommonConfig, queue_notify_data)) {
    write_common(offset, 4, word);
    return write_common(offset + 4, 4, value >> 32);
  }
  const auto is = [&](std::uint32_t field, unsigned width) { return offset == field && size == width; };
  if (is(offsetof(CommonConfig, device_status), 1)) return write_status(static_cast<std::uint8_t>(value));
  if (legacy_in_use_) return complain("common configuration +{:#x} written by a driver that uses the legacy registers (4.1.4.8)", offset);
  if (is(offsetof(CommonConfig, driver_feature), 4)) return write_driver_features(word);
  if (is(offsetof(CommonConfig, driver_feature_select), 4)) {
    common_.driver_feature_select = word;
    common_.driver_feature = word < 2 ? static_cast<std::uint32_t>(driver_features_ >> (32 * word)) : 0;
  } else if (is(offsetof(CommonConfig, device_feature_select), 4)) {
    common_.device_feature_select = word;
    show_device_feature();
  } else if (is(offsetof(CommonConfig, config_msix_vector), 2)) {
    common_.config_msix_vector = usable_vector(word);
  } else if (is(offsetof(CommonConfig, queue_select), 2)) {
    common_.queue_select = static_cast<std::uint16_t>(word);
    show_queue();
  } else {
    write_queue_field(offset, size, word);
  }
}

void PciTransport::write_queue_field(std::uint32_t offset, unsigned size, std::uint32_t value) {
  if (common_.queue_select >= queues_.size())
    return complain("queue {} does not exist: there are {} (4.1.4.3.2)", common_.queue_select, queues_.size());
  Queue& queue = queues_[common_.queue_select];
  const auto is = [&](std::uint32_t field, unsigned width) { return offset == field && size == width; };
  if (is(offsetof(CommonConfig, queue_size), 2))
    set_queue_size(value);
  else if (is(offsetof(CommonConfig, queue_msix_vector), 2))
    queue.vector = usable_vector(value);
  else if (is(offsetof(CommonConfig, queue_enable), 2))
    enable_queue(value);
  else if (size == 4 && offset % 4 == 0 && offset >= offsetof(CommonConfig, queue_desc) && offset < offsetof(CommonConfig, queue_notify_data))
    write_address(queue, offset - std::uint32_t{offsetof(CommonConfig, queue_desc)}, value);
  else
    return complain("a write of {} bytes to common configuration +{:#x}: no field to write there (4.1.4.3.1)", size, offset);
  show_queue();
}

void PciTransport::write_address(Queue& queue, std::uint32_t offset, std::uint32_t value) {
  if (queue.enabled) return complain("queue {} is enabled: its addresses cannot change (4.1.4.3.2)", common_.queue_select);
  std::uint64_t& address = queue.addresses[offset / 8];
  const unsigned shift = offset % 8 * 8;
  address = (address & ~(std::uint64_t{0xFFFF'FFFF} << shift)) | (std::uint64_t{value} << shift);
}

void PciTransport::set_queue_size(std::uint32_t value) {
  Queue& queue = queues_[common_.queue_select];
  if (queue.enabled || !std::has_single_bit(value) || value > shape_.queue_size)
    return complain("queue {} cannot have {} entries{} (4.1.4.3.2)", common_.queue_select, value,
                                queue.enabled ? ": it is enabled" : fmt::format(": a power of two, {} at most", shape_.queue_size));
  queue.size = static_cast<std::uint16_t>(value);
}

void PciTransport::enable_queue(std::uint32_t value) {
  Queue& queue = queues_[common_.queue_select];
  if (value != 1 || queue.enabled)
    return complain("queue {}: queue_enable written with {} while it is {}: it is enabled once, by 1 (4.1.4.3.2)",
                                common_.queue_select, value, queue.enabled ? 1 : 0);
  const auto at = [&](std::size_t i) { return LogicalAddress{queue.addresses[i]}; };
  queue.enabled = true;
  if (!queue.ring.start({queue.size, at(0), at(1), at(2)}, driver_features_))
    fail(fmt::format("queue {}: {}", common_.queue_select, queue.ring.complaint()));
}

std::uint16_t PciTransport::usable_vector(std::uint32_t value) const {
  return value < msix_entries() ? static_cast<std::uint16_t>(value) : kNoVector;  // 4.1.5.1.2.1
}

void PciTransport::show_queue() {
  const bool exists = common_.queue_select < queues_.size();
  common_.queue_size = exists ? queues_[common_.queue_select].size : std::uint16_t{0};
  common_.queue_msix_vector = exists ? queues_[common_.queue_select].vector : kNoVector;
  common_.queue_enable = exists && queues_[common_.queue_select].enabled ? 1 : 0;
  common_.queue_notify_off = exists ? common_.queue_select : std::uint16_t{0};
  const std::array<std::uint64_t, 3> none{};
  std::memcpy(common_.queue_desc, exists ? queues_[common_.queue_select].addresses.data() : none.data(), sizeof none);
}

// --- negotiation ------------------------------------------------------------------------------------------------------

void PciTransport::show_device_feature() {
  const std::uint32_t select = common_.device_feature_select;
  common_.device_feature = select < 2 ? static_cast<std::uint32_t>(offered_ >> (32 * select)) : 0;
}

void PciTransport::write_driver_features(std::uint32_t value) {
  if ((common_.device_status & kFeaturesOk) != 0) return complain("features written after FEATURES_OK (3.1.1)");
  if (common_.driver_feature_select >= 2) {
    if (value != 0) complain("feature bits {} and up do not exist (6)", 32 * common_.driver_feature_select);
    return;
  }
  const unsigned shift = 32 * common_.driver_feature_select;
  driver_features_ = (driver_features_ & ~(Features{0xFFFF'FFFF} << shift)) | (Features{value} << shift);
  common_.driver_feature = value;
}

/// FEATURES_OK stays only if the device can work with the choice (2.2.2, 6.2).
void PciTransport::settle_features() {
  const Features unknown = driver_features_ & ~offered_;
  if (unknown == 0 && negotiated(kVersion1)) return features_chosen();
  common_.device_status &= static_cast<std::uint8_t>(~kFeaturesOk);
  if (unknown != 0) return complain("feature bit {} was accepted but not offered (2.2.1)", std::countr_zero(unknown));
  complain("VIRTIO_F_VERSION_1 was not accepted (6.1)");
}

void PciTransport::write_status(std::uint8_t value) {
  if (value == 0) return reset();
  const std::uint8_t before = common_.device_status;
  if ((before & ~(value | kNeedsReset)) != 0) complain("status bits {:#x} cleared without a reset (2.1.1)", before & ~value);
  const auto fresh = static_cast<std::uint8_t>(value & ~before);
  common_.device_status = static_cast<std::uint8_t>(before | (value & ~kNeedsReset));
  if ((fresh & kFeaturesOk) != 0) settle_features();
  if ((fresh & kDriverOk) != 0 && (common_.device_status & kFeaturesOk) == 0) {
    common_.device_status &= static_cast<std::uint8_t>(~kDriverOk);
    complain("DRIVER_OK before the features were agreed on (3.1.1)");
  }
}

void PciTransport::reset() {
  forget();
  reset_device();
}

void PciTransport::forget() {
  for (Queue& queue : queues_) {
    queue.ring.stop();
    queue.size = shape_.queue_size;
    queue.vector = kNoVector;
    queue.enabled = false;
    queue.addresses = {};
  }
  driver_features_ = 0;
  legacy_in_use_ = shape_.interface == Interface::legacy;
  common_.device_feature_select = common_.driver_feature_select = common_.driver_feature = 0;
  common_.config_msix_vector = kNoVector;
  common_.device_status = 0;
  common_.queue_select = 0;
  show_device_feature();
  show_queue();
  isr_ = 0;
  set_interrupt_line(false);
}

// --- to the driver ----------------------------------------------------------------------------------------------------

void PciTransport::interrupt(unsigned queue) { raise(queues_[queue].vector, kIsrQueue); }

void PciTransport::raise(std::uint16_t vector, std::uint8_t cause) {
  if (msix_enabled()) {
    if (vector != kNoVector) send_msix(vector);
    return;
  }
  isr_ |= cause;
  set_interrupt_line(true);
}

std::uint8_t PciTransport::read_isr() {
  const std::uint8_t causes = isr_;
  isr_ = 0;
  set_interrupt_line(false);
  return causes;
}

void PciTransport::report(std::string message) {
  board_.trace.emit(DeviceRejected{std::string(shape_.name), std::move(message)});
}

void PciTransport::fail(std::string message) {
  report(std::move(message));
  for (Queue& queue : queues_) queue.ring.stop();
  const bool tell = driver_ready();
  common_.device_status |= kNeedsReset;
  if (tell) raise(common_.config_msix_vector, kIsrConfig);
}

}  // namespace drydock::virtio
