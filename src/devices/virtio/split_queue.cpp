#include "devices/virtio/split_queue.h"

#include <fmt/format.h>

#include <bit>

namespace drydock::virtio {

namespace {

bool aligned(LogicalAddress address, std::uint64_t to) { return address.value % to == 0; }

constexpr std::uint32_t kTableMax = kQueueSizeMax * std::uint32_t{sizeof(Descriptor)};

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

// The numbers travel in registers, so that the paths that are taken stay short.
SplitQueue::Popped SplitQueue::broken(const char* format, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  complaint_ = fmt::format(fmt::runtime(format), a, b, c);
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
  use_features(negotiated);
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
  const std::uint32_t entry = last_available_ & mask_;
  chain.head = available_.load<std::uint16_t>(available::entry(entry));
  if (chain.head >= place_.size) [[unlikely]]
    return broken("available entry {} names descriptor {}, of {} (2.7.6)", entry, chain.head, place_.size);
  ++last_available_;
  return walk(chain);
}

inline SplitQueue::Table SplitQueue::ring_table() {
  if (descriptors_.whole() == nullptr) [[unlikely]] return copied_ring();
  return {reinterpret_cast<const Descriptor*>(descriptors_.whole()), place_.size};
}

SplitQueue::Table SplitQueue::copied_ring() {
  copy_.resize(place_.size);
  for (std::uint32_t i = 0; i < place_.size; ++i) copy_[i] = descriptors_.load<Descriptor>(i * std::uint32_t{sizeof(Descriptor)});
  return copy_;
}

// Through the ring, and from there at most once into an indirect table. A chain may not have more descriptors than the
// queue (2.7.5.3.1), which also ends every loop.
SplitQueue::Popped SplitQueue::walk(Chain& chain) {
  Table table = ring_table();
  bool indirect = false;
  Segment* const segments = chain.segments.data();
  const std::uint32_t most = place_.size;
  std::uint32_t index = chain.head, count = 0, readable = 0;
  for (;;) {
    const Descriptor d = table[index];
    if ((d.flags & kIndirect) != 0) {
      if (indirect) [[unlikely]] return broken("chain {}: an indirect table inside an indirect table (2.7.5.3.1)", chain.head);
      if (enter_table(chain, d, table) == Popped::broken) [[unlikely]] return Popped::broken;
      indirect = true;
      index = 0;
      continue;
    }
    if (d.length == 0) [[unlikely]] return broken("chain {}: descriptor {} has no length (2.7.5)", chain.head, index);
    if (count == most) [[unlikely]]
      return broken("chain {}: more than {} descriptors: a loop, or longer than the queue (2.7.5)", chain.head, most);
    segments[count] = {LogicalAddress{d.address}, d.length};
    if ((d.flags & kWrite) == 0 && readable++ != count) [[unlikely]]
      return broken("chain {}: readable descriptor {} comes after a writable one (2.7.4.2)", chain.head, index);
    ++count;
    if ((d.flags & kNext) == 0) break;
    index = d.next;
    if (index >= table.size()) [[unlikely]]
      return broken("chain {}: links to descriptor {}, of {} (2.7.5)", chain.head, index, table.size());
  }
  chain.count = count, chain.readable = readable;
  return Popped::chain;
}

/// Used in place when it lies in one page, as tables mostly do; else a copy of it.
inline SplitQueue::Popped SplitQueue::enter_table(const Chain& chain, const Descriptor& d, Table& table) {
  if (!indirect_) [[unlikely]] return broken("chain {}: an indirect descriptor that was not negotiated (2.7.5.3.1)", chain.head);
  if ((d.flags & kNext) != 0) [[unlikely]] return broken("chain {}: an indirect descriptor with NEXT (2.7.5.3.1)", chain.head);
  if (d.length == 0 || d.length % sizeof(Descriptor) != 0 || d.length > kTableMax) [[unlikely]]
    return broken("chain {}: an indirect table of {} bytes is no number of descriptors (2.7.5.3.2)", chain.head, d.length);
  const LogicalAddress at{d.address};
  if (d.length > kPageSize - at.offset_in_page() || at.value % alignof(Descriptor) != 0) return copy_table(chain, d, table);
  const std::byte* host = master_.reach(at, d.length, DmaDirection::to_device);
  if (host == nullptr) [[unlikely]] return broken("chain {}: its indirect table at {:#x} is out of reach", chain.head, d.address);
  table = {reinterpret_cast<const Descriptor*>(host), d.length / sizeof(Descriptor)};
  return Popped::chain;
}

SplitQueue::Popped SplitQueue::copy_table(const Chain& chain, const Descriptor& d, Table& table) {
  table_copy_.resize(d.length / sizeof(Descriptor));
  table = table_copy_;
  if (master_.read(LogicalAddress{d.address}, std::as_writable_bytes(std::span(table_copy_)))) return Popped::chain;
  return broken("chain {}: its indirect table at {:#x} is out of reach", chain.head, d.address);
}

// --- giving back ------------------------------------------------------------------------------------------------------

void SplitQueue::push(std::uint32_t head, std::uint32_t written) {
  const std::uint32_t at = used::entry(used_index_ & mask_);
  used_.store<std::uint32_t>(at, head);
  used_.store<std::uint32_t>(at + 4, written);
  ++used_index_;
  used_.store<std::uint16_t>(used::kIndex, used_index_);
}

void SplitQueue::tie_descriptor(std::uint16_t index) {
  const std::uint32_t at = index * std::uint32_t{sizeof(Descriptor)};
  descriptors_.store<std::uint16_t>(at + offsetof(Descriptor, flags), kNext);
  descriptors_.store<std::uint16_t>(at + offsetof(Descriptor, next), index);
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
