#pragma once
// The planner: pages × reach × map registers available → elements, length, bounces. Pure: it reads page numbers and
// writes into storage of the caller; it allocates nothing and touches no data.
//
// How a byte reaches the device:
//   - straight from its page, when the page is within reach and the piece begins and ends on the device's grain;
//   - else through map registers, at the offset it has in its own page (at offset 0 if that is off the grain).
// Elements come in the order of the buffer. A plan may be shorter than the transfer: registers, records or elements ran
// out. That is an answer, not a failure; the caller goes on with the rest or refuses.
// DOC: DMA-40 DMA-41 DMA-93 DMA-120 DMA-121 DMA-135

#include <cstdint>
#include <span>

#include "hal/reach.h"

namespace drydock {

/// Bytes of consecutive buffer pages: `offset` into the page pfns[0], then `length` bytes, more than 0.
struct PageSlice {
  const std::uint64_t* pfns;
  std::uint32_t offset;
  std::uint64_t length;
  std::uint64_t pages() const { return pages_spanned(offset, length); }
};

/// One contiguous range as the device sees it; the layout of SCATTER_GATHER_ELEMENT. DOC: LAY-16
struct DmaElement {
  LogicalAddress address;
  std::uint32_t length;
  std::uint32_t padding;
  std::uint64_t reserved;
};
static_assert(sizeof(DmaElement) == 24);

/// One copy between a buffer page and map registers. Lies inside one page on the buffer's side.
struct Bounce {
  std::uint64_t memory;    ///< page number << 12 | offset, of the buffer
  LogicalAddress device;   ///< where the device sees it, inside the registers
  std::uint32_t length;
  std::uint32_t element;   ///< index of the element in which it begins
};

/// Consecutive map registers, by the logical page number of the first.
struct RegisterRun {
  std::uint64_t first_page = 0;
  std::uint32_t count = 0;
};

struct PlanStorage {
  std::span<DmaElement> elements;
  std::span<Bounce> bounces;
};

enum class PlanEnd : std::uint8_t {
  complete,
  registers,  ///< the next byte needs a map register and there is none
  elements,   ///< the device or the list has no room for another element
};

struct Plan {
  std::uint64_t bytes = 0;       ///< planned, from the start of the transfer
  std::uint32_t elements = 0;
  std::uint32_t bounces = 0;
  std::uint32_t registers = 0;   ///< used, from the first of the run
  PlanEnd end = PlanEnd::complete;
  bool operator==(const Plan&) const = default;
};

/// A reach made ready for planning.
class Planner {
 public:
  explicit Planner(const Reach& reach);

  /// Only whole minimum transfer units are planned; a rest below one is left over.
  Plan plan(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const;

  /// The commonest transfer without a call: true, and `out` written, when the bytes lie in one page that the device
  /// reaches. The same as plan() on that slice.
  bool plan_one_page(const PageSlice& slice, DmaElement& out) const {
    if (slice.offset + slice.length > one_page_end_ || slice.pfns[0] > highest_page_) return false;
    out = {{slice.pfns[0] << kPageShift | slice.offset}, static_cast<std::uint32_t>(slice.length), 0, 0};
    return true;
  }

  /// Registers (and records) with which plan() is complete, elements permitting. An upper bound: exact for records when
  /// the device has scatter/gather and no grain, and for registers too unless the buffer is a chain.
  std::uint32_t registers_needed(std::span<const PageSlice> slices) const;

  const Reach& reach() const { return reach_; }

 private:
  friend class PlanWriter;
  Plan plan_fast(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const;
  Plan plan_any(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const;
  std::uint32_t plan_one_slice(const PageSlice& slice, std::span<DmaElement> elements) const;
  Plan plan_strictly(std::span<const PageSlice> slices, RegisterRun registers, const PlanStorage& out) const;

  Reach reach_;
  std::uint64_t highest_page_;
  std::uint64_t boundary_pages_;  ///< mask: a page number with none of these bits begins a new element
  std::uint32_t length_max_;
  bool simple_;  ///< scatter/gather with a grain of one byte
  std::uint64_t one_page_end_;  ///< a page, if one reachable page is one element whatever the offset: a grain of one byte
};

}  // namespace drydock
