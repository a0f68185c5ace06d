#include "devices/virtio/split_queue.h"

#include <fmt/format.h>

#include <bit>

namespace drydock::virtio {

namespace {

bool aligned(LogicalAddress address, std::uint64_t to) { return address.value % to == 0; }

/// Does `now` pass `event` on its way from `before`? (2.7.7.2, 2.7.10: modulo 2^16)
bool passes(std::uint16_t event, std::uint16_t now, std::uint16_t before) {
  return static_cast<std::uint16_t>(now - event - 1) < static_cast<std::uint16_t>(now - before);
}

}  // namespace

// --- rings in memory --------------------------------------------------------------------------------------------------

bool RingView::map(BusMaster& master, LogicalAddress at, std::uint32_t bytes, DmaDirection direction) {
  unmap();
  first_offset_ = at.offset_in_page();
  bool in_a_row = true;
  for (std::uint64_t i = 0; i < pages_spanned(at.value, bytes); ++i) {
    std::byte* page = master.reach({(at.page() + i) << kPageShift}, kPageSize, direction);
    if (page == nullptr) return unmap(), false;
    in_a_row = in_a_row && (i == 0 || page == pages_.back() + kPageSize);
    pages_.push_back(page);
  }
  if (in_a_row) whole_ = pages_.front() + first_offset_;
  return true;
}

/// Descriptors outside the ring: an indirect table.
struct SplitQueue::Table {
  LogicalAddress at;
  std::uint32_t count;
};

template <class... Args>
SplitQueue::Popped SplitQueue::broken(fmt::format_string<Args...> format, Args&&... args) {
  complaint_ = fmt::format(format, std::forward<Args>(args)...);
  running_ = false;
  return Popped::broken;
}

bool SplitQueue::map_rings() {
  if (descriptors_.map(master_, place_.descriptors, place_.size * std::uint32_t{sizeof(Descriptor)}, DmaDirection::to_device) &&
      available_.map(master_, place_.available, available::bytes(place_.size), DmaDirection::to_device) &&
      used_.map(master_, place_.used, used::bytes(place_.size), DmaDirection::from_device))
    return true;
  broken("the rings lie in memory the device cannot reach");
  return false;
}

bool SplitQueue::start(const Place& place, Features negotiated) {
  place_ = place;
  complaint_.clear();
  if (!std::has_single_bit(place.size)) return broken("{} is no queue size: not a power of two (2.7)", place.size), false;
  if (!aligned(place.descriptors, kDescriptorAlign) || !aligned(place.available, kAvailableAlign) || !aligned(place.used, kUsedAlign))
    return broken("misaligned: descriptors at {:#x} (16), available ring at {:#x} (2), used ring at {:#x} (4) (2.7)",
                  place.descriptors.value, place.available.value, place.used.value), false;
  if (!map_rings()) return false;
  event_index_ = (negotiated & kEventIndex) != 0;
  indirect_ = (negotiated & kIndirectDescriptors) != 0;
  mask_ = static_cast<std::uint16_t>(place.size - 1);
  last_available_ = used_index_ = announced_ = 0;
  running_ = true;
  return true;
}

void SplitQueue::stop() {
  running_ = false;
  descriptors_.unmap(), available_.unmap(), used_.unmap();
}

// --- taking -----------------------------------------------------------------------------------------------------------

SplitQueue::Popped SplitQueue::pop(Chain& chain) {
  const auto index = available_.load<std::uint16_t>(available::kIndex);
  if (index == last_available_) return Popped::nothing;
  if (static_cast<std::uint16_t>(index - last_available_) > place_.size) [[unlikely]]
    return broken("the available index went from {} to {}: more than the {} entries there are (2.7.6)", last_available_, index,
                  place_.size);
  chain.head = available_.load<std::uint16_t>(available::entry(last_available_ & mask_));
  if (chain.head >= place_.size) [[unlikely]]
    return broken("available entry {} names descriptor {}, of {} (2.7.6)", last_available_ & mask_, chain.head, place_.size);
  ++last_available_;
  chain.segments.clear();
  chain.readable = 0;
  return walk(chain, {}, chain.head, false);
}

Descriptor SplitQueue::ring_descriptor(std::uint16_t index) const {
  return descriptors_.load<Descriptor>(index * std::uint32_t{sizeof(Descriptor)});
}

/// A descriptor of an indirect table. The table may begin anywhere, so that one may lie across two pages.
bool SplitQueue::fetch(const Table& table, std::uint32_t index, Descriptor& descriptor) {
  const LogicalAddress at = table.at + std::uint64_t{index} * sizeof(Descriptor);
  if (at.offset_in_page() > kPageSize - sizeof(Descriptor)) [[unlikely]] return master_.load(at, descriptor);
  if (table_page_ == nullptr || at.page() != table_page_number_) {
    table_page_ = master_.reach({at.page() << kPageShift}, kPageSize, DmaDirection::to_device);
    table_page_number_ = at.page();
    if (table_page_ == nullptr) return false;
  }
  std::memcpy(&descriptor, table_page_ + at.offset_in_page(), sizeof descriptor);
  return true;
}

// One walk for both: through the ring itself (no table), and through an indirect table. A chain may not have more
// descriptors than the queue (2.7.5.3.1), which also ends every loop.
SplitQueue::Popped SplitQueue::walk(Chain& chain, const Table& table, std::uint32_t index, bool indirect) {
  const std::uint32_t count = indirect ? table.count : place_.size;
  for (;;) {
    Descriptor d;
    if (!indirect)
      d = ring_descriptor(static_cast<std::uint16_t>(index));
    else if (!fetch(table, index, d))
      return broken("chain {}: its indirect table at {:#x} is out of reach", chain.head, table.at.value);
    if ((d.flags & kIndirect) != 0) {
      if (indirect) return broken("chain {}: an indirect table inside an indirect table (2.7.5.3.1)", chain.head);
      return walk_indirect(chain, d);
    }
    if (d.length == 0) return broken("chain {}: descriptor {} has no length (2.7.5)", chain.head, index);
    if (chain.segments.size() == place_.size)
      return broken("chain {}: more than {} descriptors: a loop, or longer than the queue (2.7.5)", chain.head, place_.size);
    const bool writable = (d.flags & kWrite) != 0;
    if (!writable && chain.readable != chain.segments.size())
      return broken("chain {}: readable descriptor {} comes after a writable one (2.7.4.2)", chain.head, index);
    chain.readable += writable ? 0 : 1;
    chain.segments.push_back({LogicalAddress{d.address}, d.length});
    if ((d.flags & kNext) == 0) return Popped::chain;
    index = d.next;
    if (index >= count) return broken("chain {}: links to descriptor {}, of {} (2.7.5)", chain.head, index, count);
  }
}

SplitQueue::Popped SplitQueue::walk_indirect(Chain& chain, const Descriptor& d) {
  if (!indirect_) return broken("chain {}: an indirect descriptor that was not negotiated (2.7.5.3.1)", chain.head);
  if ((d.flags & kNext) != 0) return broken("chain {}: an indirect descriptor with NEXT (2.7.5.3.1)", chain.head);
  if (d.length == 0 || d.length % sizeof(Descriptor) != 0)
    return broken("chain {}: an indirect table of {} bytes is no number of descriptors (2.7.5.3.2)", chain.head, d.length);
  table_page_ = nullptr;
  return walk(chain, {LogicalAddress{d.address}, static_cast<std::uint32_t>(d.length / sizeof(Descriptor))}, 0, true);
}

// --- giving back ------------------------------------------------------------------------------------------------------

void SplitQueue::push(std::uint16_t head, std::uint32_t written) {
  const std::uint32_t at = used::entry(used_index_ & mask_);
  used_.store<std::uint32_t>(at, head);
  used_.store<std::uint32_t>(at + 4, written);
  ++used_index_;
  used_.store<std::uint16_t>(used::kIndex, used_index_);
}

void SplitQueue::ask_for_notification() {
  if (event_index_) used_.store<std::uint16_t>(used::avail_event(place_.size), last_available_);
}

bool SplitQueue::interrupt_wanted() {
  const std::uint16_t before = announced_;
  announced_ = used_index_;
  if (before == used_index_) return false;
  if (event_index_) return passes(available_.load<std::uint16_t>(available::used_event(place_.size)), used_index_, before);
  return (available_.load<std::uint16_t>(available::kFlags) & kNoInterrupt) == 0;
}

}  // namespace drydock::virtio
