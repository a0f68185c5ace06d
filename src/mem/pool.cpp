#include "mem/pool.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace drydock {

Pool::Pool(PhysicalMemory& memory, bool checks) : memory_(memory), checks_(checks), by_page_(memory.size() >> kPageShift) {
  std::uint8_t size_class = 0;
  for (std::size_t i = 0; i < class_of_.size(); ++i) {
    while (size_class + 1u < kSizes.size() && kSizes[size_class] < i * 16) ++size_class;
    class_of_[i] = size_class;
  }
}

Pool::~Pool() {
  for (const auto& slab : slabs_) memory_.free({slab->page, 1});
  for (const auto& [page, large] : large_) memory_.free(large.run);
}

void* Pool::allocate(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place) {
  if (bytes > kBytesMax) return nullptr;
  bytes = std::max<std::uint64_t>(bytes, 1);
  void* block = place.rip == 0 ? nullptr : allocate_guarded(bytes, kind, tag, place);
  return block != nullptr ? block : allocate_plain(bytes, kind, tag, place);
}

void* Pool::allocate_shown(std::uint64_t bytes, std::uint32_t tag, const CodePlace& place) {
  if (bytes > kBytesMax) return nullptr;
  bytes = std::max<std::uint64_t>(bytes, 1);
  void* block = allocate_guarded(bytes, PoolKind::nonpaged, tag, place);
  return block != nullptr ? block : allocate_plain(bytes, PoolKind::nonpaged, tag, place);
}

void* Pool::allocate_plain(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place) {
  void* block = bytes <= kSizes.back() ? allocate_small(static_cast<std::uint32_t>(bytes), kind, tag, place) : allocate_large(bytes, kind, tag, place);
  if (block == nullptr) return nullptr;
  ++live_blocks_;
  live_bytes_ += bytes;
  return block;
}

void* Pool::allocate_guarded(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place) {
  if (guarded_ == nullptr) return nullptr;
  const GuardedObject* object = guarded_->allocate(kGuardedName, bytes, tag, place);
  if (object == nullptr) return nullptr;
  if (kind == PoolKind::paged) guarded_paged_.insert(object->address);
  std::memset(memory_.alias(reinterpret_cast<void*>(object->address)), std::to_integer<int>(kFresh), bytes);
  ++live_blocks_;
  live_bytes_ += bytes;
  return reinterpret_cast<void*>(object->address);
}

tl::expected<FreedBlock, PoolFault> Pool::free_guarded(std::uint64_t address, const CodePlace& place) {
  const GuardedObject* known = guarded_->find(address);
  if (known == nullptr || known->what != kGuardedName) return tl::unexpected(PoolFault::not_a_block);
  if (!known->live) return tl::unexpected(known->address == address ? PoolFault::freed_twice : PoolFault::not_a_block);
  const GuardedObject* freed = guarded_->free(address, place);
  if (freed == nullptr) return tl::unexpected(PoolFault::inside_block);
  --live_blocks_;
  live_bytes_ -= freed->bytes;
  const FreedBlock result{block_of(*freed), freed->overrun};
  guarded_paged_.erase(freed->address);
  return result;
}

Pool::Slab* Pool::slab_with_room(std::size_t size_class) {
  std::vector<std::uint32_t>& open = with_room_[size_class];
  if (!open.empty()) return slabs_[open.back()].get();
  const auto run = memory_.allocate(1);
  if (!run) return nullptr;
  auto slab = std::make_unique<Slab>();
  slab->page = run->first;
  slab->size_class = static_cast<std::uint16_t>(size_class);
  slab->slot_bytes = kSizes[size_class];
  slab->slots.resize(kPageSize / slab->slot_bytes);
  for (std::size_t i = 0; i < slab->slots.size(); ++i)
    slab->slots[i].next_free = static_cast<std::uint16_t>(i + 1 < slab->slots.size() ? i + 1 : kNoSlot);
  slab->first_free = 0;
  const auto index = static_cast<std::uint32_t>(slabs_.size());
  by_page_[run->first] = kSlabMark + index;
  open.push_back(index);
  slabs_.push_back(std::move(slab));
  return slabs_.back().get();
}

void* Pool::allocate_small(std::uint32_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place) {
  const std::size_t size_class = class_of_[(bytes + 15) / 16];
  Slab* slab = slab_with_room(size_class);
  if (slab == nullptr) return nullptr;
  const std::uint16_t index = slab->first_free;
  Slot& slot = slab->slots[index];
  slab->first_free = slot.next_free;
  if (slab->first_free == kNoSlot) with_room_[size_class].pop_back();
  ++slab->live;
  if (checks_ && slot.state == SlotState::freed) look_at_freed(*slab, index);
  slot = {tag, static_cast<std::uint16_t>(bytes), kNoSlot, SlotState::live, kind, place};
  std::byte* start = memory_.system(slab->page) + std::size_t{index} * slab->slot_bytes;
  fill_new(start, bytes, slab->slot_bytes);
  return start;
}

void* Pool::allocate_large(std::uint64_t bytes, PoolKind kind, std::uint32_t tag, const CodePlace& place) {
  const auto pages = static_cast<std::uint32_t>((bytes + kPageMask) >> kPageShift);
  const auto run = memory_.allocate(pages);
  if (!run) return nullptr;
  std::byte* start = memory_.system(run->first);
  std::fill_n(by_page_.begin() + run->first, run->count, kLargeInside);
  by_page_[run->first] = kLargeMark;
  large_[run->first] = {*run, {reinterpret_cast<std::uint64_t>(start), bytes, tag, kind, place}};
  fill_new(start, bytes, run->bytes());
  return start;
}

void Pool::fill_new(std::byte* start, std::uint64_t bytes, std::uint64_t room) const {
  if (!checks_) return;
  std::memset(start, std::to_integer<int>(kFresh), bytes);
  std::memset(start + bytes, std::to_integer<int>(kSlack), room - bytes);
}

void Pool::look_at_freed(const Slab& slab, std::uint32_t slot) {
  const std::byte* start = memory_.system(slab.page) + std::size_t{slot} * slab.slot_bytes;
  if (std::any_of(start, start + slab.slot_bytes, [](std::byte b) { return b != kFreed; })) spoiled_ = block_of(slab, slot);
}

// Returns whether the slack behind the block was changed.
bool Pool::wipe(std::byte* start, std::uint64_t bytes, std::uint64_t room) const {
  if (!checks_) return false;
  const bool overrun = std::any_of(start + bytes, start + room, [](std::byte b) { return b != kSlack; });
  std::memset(start, std::to_integer<int>(kFreed), room);
  return overrun;
}

tl::expected<FreedBlock, PoolFault> Pool::free(std::uint64_t address, const CodePlace& where) {
  const auto place = memory_.find(address);
  if (place && place->view == View::lent && guarded_ != nullptr) return free_guarded(address, where);
  if (!place || place->view != View::system) return tl::unexpected(PoolFault::not_a_block);
  const std::uint32_t mark = by_page_[place->page()];
  const std::uint64_t offset = address & kPageMask;
  if (mark == kForeign) return tl::unexpected(PoolFault::not_a_block);
  if (mark >= kSlabMark) return free_small(*slabs_[mark - kSlabMark], offset);
  if (mark == kFreedLarge) return tl::unexpected(offset == 0 ? PoolFault::freed_twice : PoolFault::not_a_block);
  if (mark == kLargeInside || offset != 0) return tl::unexpected(PoolFault::inside_block);
  return free_large(place->page());
}

tl::expected<FreedBlock, PoolFault> Pool::free_small(Slab& slab, std::uint64_t offset) {
  const auto index = static_cast<std::uint32_t>(offset / slab.slot_bytes);
  if (index >= slab.slots.size()) return tl::unexpected(PoolFault::not_a_block);
  Slot& slot = slab.slots[index];
  if (slot.state == SlotState::never_used) return tl::unexpected(PoolFault::not_a_block);
  const bool at_start = offset % slab.slot_bytes == 0;
  if (slot.state == SlotState::freed) return tl::unexpected(at_start ? PoolFault::freed_twice : PoolFault::not_a_block);
  if (!at_start) return tl::unexpected(PoolFault::inside_block);
  FreedBlock freed{block_of(slab, index), false};
  freed.overrun = wipe(memory_.system(slab.page) + offset, slot.bytes, slab.slot_bytes);
  if (slab.first_free == kNoSlot) with_room_[slab.size_class].push_back(by_page_[slab.page] - kSlabMark);
  slot.state = SlotState::freed;
  slot.next_free = slab.first_free;
  slab.first_free = static_cast<std::uint16_t>(index);
  --slab.live;
  --live_blocks_;
  live_bytes_ -= freed.block.bytes;
  return freed;
}

tl::expected<FreedBlock, PoolFault> Pool::free_large(std::uint32_t page) {
  const auto found = large_.find(page);
  CHECK(found != large_.end(), "the pool's tables disagree about page {}", page);
  const PageRun run = found->second.run;
  FreedBlock freed{found->second.block, false};
  freed.overrun = wipe(memory_.system(page), freed.block.bytes, run.bytes());
  std::fill_n(by_page_.begin() + page, run.count, kForeign);
  by_page_[page] = kFreedLarge;
  large_.erase(found);
  memory_.free(run);
  if (!checks_) memory_.reuse_next(run);
  --live_blocks_;
  live_bytes_ -= freed.block.bytes;
  return freed;
}

PoolBlock Pool::block_of(const Slab& slab, std::uint32_t slot) const {
  const Slot& s = slab.slots[slot];
  const std::uint64_t address = memory_.address(View::system, slab.page) + std::uint64_t{slot} * slab.slot_bytes;
  return {address, s.bytes, s.tag, s.kind, s.place};
}

std::optional<PoolBlock> Pool::find(std::uint64_t address) const {
  const auto place = memory_.find(address);
  if (place && place->view == View::lent && guarded_ != nullptr) {
    const GuardedObject* object = guarded_->find(address);
    return object != nullptr && object->live && object->what == kGuardedName ? std::optional(block_of(*object)) : std::nullopt;
  }
  if (!place || place->view != View::system) return std::nullopt;
  const std::uint32_t mark = by_page_[place->page()];
  if (mark >= kSlabMark) {
    const Slab& slab = *slabs_[mark - kSlabMark];
    const auto index = static_cast<std::uint32_t>((address & kPageMask) / slab.slot_bytes);
    if (index >= slab.slots.size() || slab.slots[index].state != SlotState::live) return std::nullopt;
    return block_of(slab, index);
  }
  if (mark != kLargeMark && mark != kLargeInside) return std::nullopt;
  const auto behind = large_.upper_bound(place->page());
  return std::prev(behind)->second.block;
}

}  // namespace drydock
