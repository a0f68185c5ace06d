#include "hal/dma_adapter.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace drydock {

// A driver reads our elements as SCATTER_GATHER_ELEMENT and STOR_SCATTER_GATHER_ELEMENT. DOC: LAY-16 ST-44
static_assert(sizeof(DmaElement) == sizeof(STOR_SCATTER_GATHER_ELEMENT));
static_assert(offsetof(DmaElement, length) == offsetof(STOR_SCATTER_GATHER_ELEMENT, Length));
static_assert(offsetof(DmaElement, reserved) == offsetof(STOR_SCATTER_GATHER_ELEMENT, Reserved));

/// The slices of a buffer that may run through several MDLs.
class DmaAdapter::Slices {
 public:
  /// False when the chain ends before the buffer does, or the buffer is empty.
  bool collect(const DmaBuffer& buffer) {
    std::uint64_t skip = buffer.offset, left = buffer.length;
    for (MdlView mdl = buffer.mdl; mdl && left > 0; mdl = mdl.next()) {
      if (skip >= mdl.length()) {
        skip -= mdl.length();
        continue;
      }
      const std::uint64_t start = mdl.offset() + skip, take = std::min<std::uint64_t>(left, mdl.length() - skip);
      add({translate(mdl.pfns()) + (start >> kPageShift), static_cast<std::uint32_t>(start & kPageMask), take});
      left -= take;
      skip = 0;
    }
    return left == 0 && count_ > 0;
  }
  std::span<const PageSlice> all() const { return many_.empty() ? std::span(few_).first(count_) : std::span(many_); }

 private:
  void add(const PageSlice& slice) {
    if (count_ < few_.size()) few_[count_] = slice;
    else if (many_.empty()) many_.assign(few_.begin(), few_.end());
    if (count_ >= few_.size()) many_.push_back(slice);
    ++count_;
  }
  std::array<PageSlice, 8> few_;
  std::vector<PageSlice> many_;  ///< all of them, once there are more than a few
  std::size_t count_ = 0;
};

DmaAdapter::DmaAdapter(PhysicalMemory& memory, DmaWindow& window, MapRegisterPool& pool, Trace& trace, const Options& options)
    : memory_(memory), window_(window), pool_(pool), trace_(trace), planner_(options.reach),
      account_{options.registers_at_once, options.registers_in_total, 0}, enforce_(options.enforce) {
  CHECK(pool.last_address().value <= options.reach.highest, "map registers up to {:#x} for a device that reaches {:#x}",
        pool.last_address().value, options.reach.highest);
}

DmaAdapter::~DmaAdapter() { CHECK(account_.held == 0, "an adapter is freed that holds {} map registers", account_.held); }

MapOutcome DmaAdapter::map_any(const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping,
                               MapRegisterPool::Waiter* waiter) {
  Slices slices;
  if (!slices.collect(buffer)) return MapOutcome::outside_buffer;
  if (buffer.length % reach().minimum_transfer_unit != 0) return MapOutcome::below_unit;
  const Plan plan = planner_.plan(slices.all(), {}, {list, {}});
  if (plan.end == PlanEnd::registers) return reserve_and_map(slices, buffer, list, mapping, waiter);
  if (plan.end == PlanEnd::elements) return MapOutcome::list_too_small;
  put_into_effect(mapping, list, plan, {}, buffer.direction);
  return MapOutcome::mapped;
}

MapOutcome DmaAdapter::reserve_and_map(const Slices& slices, const DmaBuffer& buffer, std::span<DmaElement> list,
                                       DmaMapping& mapping, MapRegisterPool::Waiter* waiter) {
  const std::uint32_t needed = planner_.registers_needed(slices.all());
  if (!pool_.ever(account_, needed, register_boundary())) return MapOutcome::too_many_registers;
  MapRegisterPool::Lease lease = pool_.lease(account_, needed, register_boundary());
  if (lease) return map_leased(slices, buffer, list, mapping, std::move(lease));
  if (waiter != nullptr) pool_.wait(*waiter, account_, needed, register_boundary());
  return MapOutcome::wait;
}

MapOutcome DmaAdapter::map_leased(const Slices& slices, const DmaBuffer& buffer, std::span<DmaElement> list,
                                  DmaMapping& mapping, MapRegisterPool::Lease lease) {
  const Plan plan = planner_.plan(slices.all(), lease.run(), {list, lease.records()});
  if (plan.bytes < buffer.length)
    return plan.end == PlanEnd::elements ? MapOutcome::list_too_small : MapOutcome::too_many_registers;
  put_into_effect(mapping, list, plan, lease.records(), buffer.direction);
  if (plan.bounces > 0) mapping.lease_ = std::move(lease);
  return MapOutcome::mapped;
}

MapOutcome DmaAdapter::map_with(const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping,
                                MapRegisterPool::Lease lease) {
  Slices slices;
  if (!slices.collect(buffer)) return MapOutcome::outside_buffer;
  return map_leased(slices, buffer, list, mapping, std::move(lease));
}

MapOutcome DmaAdapter::map_part(const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping,
                                MapRegisterPool::Lease& lease, std::uint32_t first) {
  Slices slices;
  if (!slices.collect(buffer)) return MapOutcome::outside_buffer;
  const Plan plan = planner_.plan(slices.all(), lease.run(first), {list, lease.records(first)});
  if (plan.bytes == 0) {
    if (plan.end == PlanEnd::complete) return MapOutcome::below_unit;
    return plan.end == PlanEnd::elements ? MapOutcome::list_too_small : MapOutcome::too_many_registers;
  }
  put_into_effect(mapping, list, plan, lease.records(first), buffer.direction);
  return MapOutcome::mapped;
}

std::optional<std::uint32_t> DmaAdapter::registers_needed(const DmaBuffer& buffer) const {
  Slices slices;
  if (!slices.collect(buffer)) return std::nullopt;
  const std::uint32_t most = planner_.registers_needed(slices.all());
  if (most == 0 || reach().scatter_gather) return most;
  DmaElement one;  // a contiguous buffer needs none
  return planner_.plan(slices.all(), {}, {{&one, 1}, {}}).end == PlanEnd::complete ? 0 : most;
}

void DmaAdapter::put_into_effect(DmaMapping& mapping, std::span<const DmaElement> list, const Plan& plan,
                                 std::span<Bounce> records, DmaDirection direction) {
  begin(mapping, plan, direction);
  mapping.bounces_ = records.data();
  for (const Bounce& bounce : mapping.bounces()) {
    if (direction != DmaDirection::from_device) copy(bounce, DmaDirection::to_device);
    window_.forget_written(pool_.file_page(bounce.device));
  }
  if (enforce_) open_pages(mapping, list.first(plan.elements));
}

// The list is still ours here; the driver may write to it later, so what was opened is remembered apart.
void DmaAdapter::open_pages(DmaMapping& mapping, std::span<const DmaElement> list) {
  for (const DmaElement& element : list) {
    const std::uint64_t last = (element.address + (element.length - 1)).page();
    for (std::uint64_t page = element.address.page(); page <= last; ++page) {
      const auto file_page = memory_.page_of_pfn(physical(page).value);
      CHECK(file_page, "a DMA mapping names page {:#x}, which is not memory", page);
      window_.open(*file_page, mapping.direction_);
      mapping.opened_.push_back(*file_page);
    }
  }
}

void DmaAdapter::copy(const Bounce& bounce, DmaDirection direction) const {
  std::byte* memory = memory_.host(physical(bounce.memory));
  std::byte* registers = pool_.host(bounce.device);
  if (direction == DmaDirection::to_device) std::memcpy(registers, memory, bounce.length);
  else std::memcpy(memory, registers, bounce.length);
}

void DmaMapping::finish(bool copy_back) { adapter_->finish(*this, copy_back); }

void DmaAdapter::finish(DmaMapping& mapping, bool copy_back) {
  const bool checked = pool_.checks() && mapping.bounce_count_ > 0;
  if (copy_back && checked) check_padding(mapping);
  // ASSUMED: a register that no device wrote to is not copied back, so that a miniport may answer a request itself, by the
  // system address of its buffer. dma_adapter_test: WhatNoDeviceWroteIsNotCopiedBackOverTheAnswerOfTheDriver
  if (copy_back && mapping.direction_ != DmaDirection::to_device)
    for (const Bounce& bounce : mapping.bounces())
      if (window_.written(pool_.file_page(bounce.device))) copy(bounce, DmaDirection::from_device);
  if (checked) refill(mapping);
  for (const std::uint32_t page : mapping.opened_) window_.close(page, mapping.direction_);
  mapping.opened_.clear();
  mapping.adapter_ = nullptr;
  mapping.lease_ = MapRegisterPool::Lease();
}

// Bytes of the used registers before, between and behind the transfer. They lie in rising order. DOC: VER-10
void DmaAdapter::check_padding(const DmaMapping& mapping) const {
  const auto changed = [&](std::uint64_t from, std::uint64_t to) { return !holds_register_fill(pool_.host({from}), to - from); };
  std::uint64_t clean_from = mapping.bounces_[0].device.value & ~kPageMask;
  bool before = false;
  for (const Bounce& bounce : mapping.bounces()) {
    before |= changed(clean_from, bounce.device.value);
    clean_from = bounce.device.value + bounce.length;
  }
  const bool behind = changed(clean_from, (clean_from + kPageMask) & ~kPageMask);
  if (!before && !behind) return;
  trace_.emit(RuleBroken{"VER-10", "0xE6/0x0F",
                         fmt::format("the device wrote {} the {} bytes of its DMA buffer (seen in the map registers at flush)",
                                     behind ? "behind" : "before or between", mapping.length()),
                         {}});
}

// Whole registers: a lease that its caller keeps is used again.
void DmaAdapter::refill(const DmaMapping& mapping) const {
  const Bounce& last = mapping.bounces_[mapping.bounce_count_ - 1];
  const std::uint64_t from = mapping.bounces_[0].device.value & ~kPageMask;
  const std::uint64_t to = (last.device.value + last.length + kPageMask) & ~kPageMask;
  std::memset(pool_.host({from}), std::to_integer<int>(kRegisterFill), to - from);
}

}  // namespace drydock
