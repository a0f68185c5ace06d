#include "hw/bus_master.h"

#include <algorithm>

namespace drydock {

std::byte* BusMaster::look_up(LogicalAddress address, std::uint32_t length, DmaDirection direction) {
  const auto page = memory_.page_of_pfn(address.page());
  if (!page || length > kPageSize - address.offset_in_page() || (enforce_ && !window_.allows(*page, direction)))
    return refuse_access(address, length, direction);
  if (direction != DmaDirection::to_device) window_.note_written(*page);
  known_[address.page() % kKnownPages] = {address.page(), memory_.system(*page), *page};
  return memory_.system(*page) + address.offset_in_page();
}

std::byte* BusMaster::refuse_access(LogicalAddress address, std::uint32_t length, DmaDirection direction) {
  ++refused_;
  DmaRefused refused{address.value, length, direction == DmaDirection::to_device};
  if (witness_ != nullptr) witness_->explain(*this, refused);
  trace_.emit(std::move(refused));
  return nullptr;
}

bool BusMaster::refuses_stray(LogicalAddress address, std::uint32_t length, DmaDirection direction) {
  const auto page = memory_.page_of_pfn(address.page());
  if (page && window_.allows(*page, direction)) return false;
  ++refused_;
  DmaRefused refused{address.value, length, direction == DmaDirection::to_device};
  refused.injected = true;  // the driver was nowhere near: no witness is asked
  trace_.emit(std::move(refused));
  return true;
}

template <class Byte, class Copy>
bool BusMaster::walk(LogicalAddress address, std::span<Byte> bytes, DmaDirection direction, Copy copy) {
  while (!bytes.empty()) {
    const auto part = std::min<std::size_t>(bytes.size(), kPageSize - address.offset_in_page());
    std::byte* host = reach(address, static_cast<std::uint32_t>(part), direction);
    if (host == nullptr) return false;
    copy(host, bytes.first(part));
    bytes = bytes.subspan(part);
    address = address + part;
  }
  return true;
}

bool BusMaster::read(LogicalAddress from, std::span<std::byte> to) {
  return walk(from, to, DmaDirection::to_device,
              [](const std::byte* host, std::span<std::byte> part) { std::memcpy(part.data(), host, part.size()); });
}

bool BusMaster::write(LogicalAddress to, std::span<const std::byte> from) {
  return walk(to, from, DmaDirection::from_device,
              [](std::byte* host, std::span<const std::byte> part) { std::memcpy(host, part.data(), part.size()); });
}

}  // namespace drydock
