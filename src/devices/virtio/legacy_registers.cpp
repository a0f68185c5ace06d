// The legacy interface of a virtio device (virtio 1.2, 4.1.4.8; virtio 0.9.5): the registers of I/O BAR 0. It leads to the same
// queues, status and configuration as the modern one.

#include <algorithm>
#include <bit>

#include "devices/virtio/pci_transport.h"

namespace drydock::virtio {

// --- reading ----------------------------------------------------------------------------------------------------------

std::uint64_t PciTransport::read_legacy(std::uint32_t offset, unsigned size) {
  const std::uint32_t config = legacy_config_at();
  if (offset < config) return legacy_field(offset, size);
  std::uint64_t value = 0;
  const std::uint32_t at = offset - config;
  if (at < device_config_.size()) std::memcpy(&value, &device_config_[at], std::min<std::size_t>(size, device_config_.size() - at));
  return value;
}

/// A field is read with its own width; anything else reads as zero.
std::uint32_t PciTransport::legacy_field(std::uint32_t offset, unsigned size) {
  const Queue* queue = common_.queue_select < queues_.size() ? &queues_[common_.queue_select] : nullptr;
  const auto is = [&](std::uint32_t field, unsigned width) { return offset == field && size == width; };
  if (is(legacy::kDeviceFeatures, 4)) return static_cast<std::uint32_t>(offered_ | kAnyLayout);
  if (is(legacy::kDriverFeatures, 4)) return static_cast<std::uint32_t>(driver_features_);
  if (is(legacy::kQueueAddress, 4)) return queue == nullptr ? 0 : static_cast<std::uint32_t>(queue->addresses[0] >> legacy::kAddressShift);
  if (is(legacy::kQueueSize, 2)) return queue == nullptr ? 0 : shape_.queue_size;
  if (is(legacy::kQueueSelect, 2)) return common_.queue_select;
  if (is(legacy::kStatus, 1)) return common_.device_status;
  if (is(legacy::kIsr, 1)) return read_isr();
  if (!msix_enabled()) return 0;
  if (is(legacy::kConfigVector, 2)) return common_.config_msix_vector;
  if (is(legacy::kQueueVector, 2)) return queue == nullptr ? kNoVector : queue->vector;
  return 0;
}

// --- writing ----------------------------------------------------------------------------------------------------------

void PciTransport::write_legacy(std::uint32_t offset, unsigned size, std::uint64_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  const auto is = [&](std::uint32_t field, unsigned width) { return offset == field && size == width; };
  if (is(legacy::kQueueNotify, 2)) [[likely]] return legacy_doorbell(word);
  if (!begin_legacy_use(offset, word)) return;
  if (offset >= legacy_config_at()) return config_written(offset - legacy_config_at(), size, value);
  if (is(legacy::kStatus, 1)) return write_legacy_status(static_cast<std::uint8_t>(value));
  if (is(legacy::kDriverFeatures, 4)) return write_legacy_features(word);
  if (is(legacy::kQueueSelect, 2)) {
    common_.queue_select = static_cast<std::uint16_t>(word);
    return show_queue();
  }
  if (msix_enabled() && is(legacy::kConfigVector, 2)) {
    common_.config_msix_vector = usable_vector(word);
    return;
  }
  write_legacy_queue(offset, size, word);
}

/// A reset belongs to both interfaces; whatever else is written first after it chooses one.
bool PciTransport::begin_legacy_use(std::uint32_t offset, std::uint32_t value) {
  if (legacy_in_use_ || (offset == legacy::kStatus && value == 0)) return true;
  if (common_.device_status != 0)
    return reject("legacy register +{:#x} written by a driver that uses the modern ones (4.1.4.8)", offset);
  return legacy_in_use_ = true;
}

/// There is no FEATURES_OK here (3.1.2), so nothing is checked on the way to DRIVER_OK.
void PciTransport::write_legacy_status(std::uint8_t value) {
  if (value == 0) return reset();
  const std::uint8_t before = common_.device_status;
  if ((before & ~(value | kNeedsReset)) != 0) complain("status bits {:#x} cleared without a reset (2.1.1)", before & ~value);
  common_.device_status = static_cast<std::uint8_t>(before | (value & ~(kNeedsReset | kFeaturesOk)));
}

/// A driver may set its queues up first and write its features later, or never (3.1.2).
void PciTransport::write_legacy_features(std::uint32_t value) {
  const Features unknown = value & ~(offered_ | kAnyLayout);
  if (unknown != 0) complain("feature bit {} was accepted but not offered (2.2.1)", std::countr_zero(unknown));
  driver_features_ = value & (offered_ | kAnyLayout);
  for (Queue& queue : queues_) queue.ring.use_features(driver_features_);
  features_chosen();
}

void PciTransport::write_legacy_queue(std::uint32_t offset, unsigned size, std::uint32_t value) {
  const bool address = offset == legacy::kQueueAddress && size == 4;
  const bool vector = msix_enabled() && offset == legacy::kQueueVector && size == 2;
  if (!address && !vector) return complain("a write of {} bytes to legacy register +{:#x}: no field to write there (4.1.4.8)", size, offset);
  if (common_.queue_select >= queues_.size())
    return complain("queue {} does not exist: there are {} (4.1.4.8)", common_.queue_select, queues_.size());
  if (address) place_legacy_queue(value);
  else queues_[common_.queue_select].vector = usable_vector(value);
  show_queue();
}

/// Page 0 takes the queue away again.
void PciTransport::place_legacy_queue(std::uint32_t page) {
  Queue& queue = queues_[common_.queue_select];
  if (page == 0) {
    queue.ring.stop();
    queue.enabled = false;
    queue.addresses = {};
    return;
  }
  if (queue.enabled) return complain("queue {} has an address already (4.1.4.8)", common_.queue_select);
  const std::uint64_t base = std::uint64_t{page} << legacy::kAddressShift;
  const std::uint32_t size = shape_.queue_size;
  queue.addresses = {base, base + size * sizeof(Descriptor), base + legacy::used_at(size)};
  queue.enabled = true;
  const auto at = [&](std::size_t i) { return LogicalAddress{queue.addresses[i]}; };
  if (!queue.ring.start({shape_.queue_size, at(0), at(1), at(2)}, driver_features_))
    fail(fmt::format("queue {}: {}", common_.queue_select, queue.ring.complaint()));
}

/// Before DRIVER_OK too: legacy drivers use the device while they start (3.1.2).
void PciTransport::legacy_doorbell(std::uint32_t index) {
  if (index >= queues_.size()) [[unlikely]] return complain("doorbell written with {}: no such queue (4.1.4.8)", index);
  if (!legacy_in_use_) [[unlikely]] return complain("legacy doorbell of queue {} by a driver that uses the modern registers (4.1.4.8)", index);
  if (queues_[index].ring.running()) [[likely]] return notified(index);
  if ((common_.device_status & kNeedsReset) == 0) complain("doorbell of queue {}, which has no address (4.1.4.8)", index);
}

}  // namespace drydock::virtio
