#pragma once
// DmaMapping: one buffer made reachable for a device, from map to flush. It holds what the map took (registers, opened
// pages) and how to undo it; the list of elements lies in storage of the caller. Between the two the device owns the data.
// It is flushed exactly once, or discarded when the machine dies; destroying a live one is a fault of ours.
// DOC: DMA-71 DMA-95 DMA-128

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "hal/map_registers.h"
#include "hw/bus_master.h"

namespace drydock {

class DmaAdapter;

class DmaMapping {
 public:
  DmaMapping() = default;
  DmaMapping(DmaMapping&& other) noexcept { *this = std::move(other); }
  DmaMapping& operator=(DmaMapping&& other) noexcept {
    CHECK(!live(), "a live DMA mapping is overwritten");
    adapter_ = std::exchange(other.adapter_, nullptr);
    length_ = other.length_;
    elements_ = other.elements_;
    bounce_count_ = other.bounce_count_;
    registers_ = other.registers_;
    direction_ = other.direction_;
    lease_ = std::move(other.lease_);
    bounces_ = other.bounces_;
    opened_ = std::move(other.opened_);
    return *this;
  }
  ~DmaMapping() { CHECK(!live(), "a DMA mapping of {} bytes was never flushed", length_); }

  bool live() const { return adapter_ != nullptr; }
  std::uint32_t elements() const { return elements_; }
  std::uint64_t length() const { return length_; }
  DmaDirection direction() const { return direction_; }
  /// Buffer pieces that go through registers, and the registers they use.
  std::uint32_t bounced_pieces() const { return bounce_count_; }
  std::uint32_t registers_used() const { return registers_; }
  std::span<const Bounce> bounces() const { return {bounces_, bounce_count_}; }

  /// Ends the mapping: bounced data the device wrote goes to the buffer, and nothing else; then pages and registers are
  /// given back.
  void flush() {
    CHECK(live(), "a DMA mapping is flushed twice");
    if (bounce_count_ == 0 && opened_.empty()) [[likely]] adapter_ = nullptr;
    else finish(true);
  }
  /// The same without copying, for a machine that has stopped.
  void discard() {
    if (live()) finish(false);
  }

 private:
  friend class DmaAdapter;
  void finish(bool copy_back);

  DmaAdapter* adapter_ = nullptr;
  std::uint64_t length_ = 0;
  std::uint32_t elements_ = 0;
  std::uint32_t bounce_count_ = 0;
  std::uint32_t registers_ = 0;
  DmaDirection direction_ = DmaDirection::to_device;
  Bounce* bounces_ = nullptr;            ///< in the records of the lease
  MapRegisterPool::Lease lease_;         ///< empty when the caller holds the registers
  std::vector<std::uint32_t> opened_;    ///< file pages open in the window for this mapping
};

}  // namespace drydock
