#pragma once
// DmaAdapter: what one device may reach, and the one way to make a buffer reachable for it:
//   plan (pure) → reserve (a lease of map registers, if the plan needs any) → put into effect (copy out, open the pages) →
//   DmaMapping::flush (copy back, close, give back).
// Storport, SCSI Port and the routines of DMA_OPERATIONS are callers of map(). Elements are written once, in the layout
// drivers read. Planning works on logical page numbers; today a page's logical number is its physical one, and
// translate() is the one place that says so.

#include <cstdint>
#include <span>

#include "hal/dma_mapping.h"
#include "hal/plan.h"
#include "mem/mdl_view.h"

namespace drydock {

enum class MapOutcome : std::uint8_t {
  mapped,
  wait,                ///< registers are short; the waiter (if given) is in line
  too_many_registers,  ///< more than this adapter can ever have
  list_too_small,      ///< more elements than the list, or the device, can hold
  outside_buffer,      ///< no bytes, or bytes past the end of the MDL chain
  below_unit,          ///< not a multiple of the minimum transfer unit
};

/// Sums over all mappings of an adapter.
struct DmaStatistics {
  std::uint64_t mappings = 0;
  std::uint64_t bytes = 0;
  std::uint64_t elements = 0;
  std::uint32_t elements_min = ~std::uint32_t{0};
  std::uint32_t elements_max = 0;
  std::uint64_t bounced_pages = 0;
  double elements_mean() const { return mappings == 0 ? 0 : static_cast<double>(elements) / static_cast<double>(mappings); }
};

/// The part of an MDL chain that a device is to reach. Its PFNs are filled (MdlView::resident).
struct DmaBuffer {
  MdlView mdl;
  std::uint64_t offset = 0;  ///< from the first byte of the chain
  std::uint64_t length = 0;
  DmaDirection direction = DmaDirection::to_device;
};

class DmaAdapter {
 public:
  struct Options {
    Reach reach;
    std::uint32_t registers_at_once = ~std::uint32_t{0};   ///< in one mapping; what drivers are told. DOC: DMA-06
    std::uint32_t registers_in_total = ~std::uint32_t{0};  ///< in all mappings together
    bool enforce = false;  ///< open and close pages in the window: the BusMaster looks every access up
  };
  /// All outlive the adapter; the pool's registers are within reach.
  DmaAdapter(PhysicalMemory& memory, DmaWindow& window, MapRegisterPool& pool, Trace& trace, const Options& options);
  DmaAdapter(const DmaAdapter&) = delete;
  DmaAdapter& operator=(const DmaAdapter&) = delete;
  ~DmaAdapter();

  /// Maps all of the buffer or nothing. `list` receives the elements (mapping.elements() of them) and is not read again.
  /// With a waiter, `wait` means it is in line: when it has its lease, call map_with().
  MapOutcome map(const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping,
                 MapRegisterPool::Waiter* waiter = nullptr) {
    PageSlice slice;
    if (find_one_slice(buffer, slice) && !list.empty() && planner_.plan_one_page(slice, list[0])) [[likely]] {
      begin(mapping, {buffer.length, 1, 0, 0}, buffer.direction);
      if (enforce_) open_pages(mapping, list.first(1));
      return MapOutcome::mapped;
    }
    return map_any(buffer, list, mapping, waiter);
  }
  /// The second half of map() for who waited: `lease` is the one granted.
  MapOutcome map_with(const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping, MapRegisterPool::Lease lease);

  /// Maps as much as the registers `first`… of a lease the caller keeps, and the list, allow: mapping.length() may be
  /// shorter than asked. `outside_buffer`, `list_too_small` or `too_many_registers` when not even one byte could be mapped.
  /// DOC: DMA-121
  MapOutcome map_part(const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping, MapRegisterPool::Lease& lease,
                      std::uint32_t first = 0);

  /// Registers a mapping of this buffer takes, none when the bytes lie outside of it.
  std::optional<std::uint32_t> registers_needed(const DmaBuffer& buffer) const;

  const Reach& reach() const { return planner_.reach(); }
  const RegisterAccount& account() const { return account_; }
  RegisterAccount& account() { return account_; }
  MapRegisterPool& pool() const { return pool_; }
  const DmaStatistics& statistics() const { return statistics_; }

 private:
  friend class DmaMapping;
  class Slices;

  /// True, and `slice` set, when the first MDL alone holds the bytes.
  static bool find_one_slice(const DmaBuffer& buffer, PageSlice& slice) {
    const std::uint64_t length = buffer.mdl.length();
    if (buffer.length == 0 || buffer.offset >= length || buffer.length > length - buffer.offset) return false;
    const std::uint64_t start = buffer.mdl.offset() + buffer.offset;
    slice = {translate(buffer.mdl.pfns()) + (start >> kPageShift), static_cast<std::uint32_t>(start & kPageMask), buffer.length};
    return true;
  }
  /// Logical page numbers of physical ones.
  static const std::uint64_t* translate(const std::uint64_t* pfns) { return pfns; }
  static PhysicalAddress physical(std::uint64_t logical) { return {logical}; }

  void begin(DmaMapping& mapping, const Plan& plan, DmaDirection direction) {
    CHECK(!mapping.live(), "a DMA mapping is mapped twice");
    mapping.adapter_ = this;
    mapping.length_ = plan.bytes;
    mapping.elements_ = plan.elements;
    mapping.bounce_count_ = plan.bounces;
    mapping.registers_ = plan.registers;
    mapping.direction_ = direction;
    ++statistics_.mappings;
    statistics_.bytes += plan.bytes;
    statistics_.elements += plan.elements;
    statistics_.bounced_pages += plan.registers;
    if (plan.elements < statistics_.elements_min) statistics_.elements_min = plan.elements;
    if (plan.elements > statistics_.elements_max) statistics_.elements_max = plan.elements;
    trace_.note([&] {
      return DmaMapped{static_cast<std::uint32_t>(plan.bytes), plan.elements, plan.registers, direction == DmaDirection::to_device};
    });
  }
  MapOutcome map_any(const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping, MapRegisterPool::Waiter* waiter);
  MapOutcome reserve_and_map(const Slices& slices, const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping,
                             MapRegisterPool::Waiter* waiter);
  MapOutcome map_leased(const Slices& slices, const DmaBuffer& buffer, std::span<DmaElement> list, DmaMapping& mapping,
                        MapRegisterPool::Lease lease);
  void put_into_effect(DmaMapping& mapping, std::span<const DmaElement> list, const Plan& plan, std::span<Bounce> records,
                       DmaDirection direction);
  void open_pages(DmaMapping& mapping, std::span<const DmaElement> list);
  void copy(const Bounce& bounce, DmaDirection direction) const;
  void check_padding(const DmaMapping& mapping) const;
  void refill(const DmaMapping& mapping) const;
  void finish(DmaMapping& mapping, bool copy_back);
  std::uint64_t register_boundary() const { return reach().scatter_gather ? 0 : reach().boundary; }

  PhysicalMemory& memory_;
  DmaWindow& window_;
  MapRegisterPool& pool_;
  Trace& trace_;
  Planner planner_;
  RegisterAccount account_;
  bool enforce_;
  DmaStatistics statistics_;
};

}  // namespace drydock
