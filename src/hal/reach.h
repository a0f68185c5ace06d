#pragma once
// Reach: what a device can do with memory, in the terms of its own bus (logical addresses). The planner knows nothing else
// about a device.

#include <bit>
#include <cstdint>

#include "base/address.h"

namespace drydock {

struct Reach {
  std::uint64_t highest = ~std::uint64_t{0};        ///< highest logical address the device can drive, inclusive
  std::uint64_t boundary = 0;                       ///< an element never crosses a multiple of it; power of two, at least a page; 0: none
  std::uint32_t element_length_max = 0xFFFF'F000u;  ///< bytes in one element, at least a page
  std::uint32_t elements_max = ~std::uint32_t{0};   ///< elements in one transfer
  bool scatter_gather = true;                       ///< false: the device sees exactly one contiguous range. DOC: DMA-93
  std::uint32_t minimum_transfer_unit = 1;          ///< element lengths are multiples of it; power of two up to a page. DOC: DMA-111
  std::uint32_t alignment = 1;                      ///< element addresses are multiples of it; power of two up to a page

  static constexpr Reach of_bits(unsigned bits) {
    Reach reach;
    reach.highest = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    return reach;
  }

  constexpr bool sensible() const {
    const auto small_power = [](std::uint32_t n) { return std::has_single_bit(n) && n <= kPageSize; };
    return highest >= kPageMask && (boundary == 0 || (std::has_single_bit(boundary) && boundary >= kPageSize)) &&
           element_length_max >= kPageSize && elements_max > 0 && small_power(minimum_transfer_unit) &&
           small_power(alignment);
  }
  /// Pages up to this number are reachable to their last byte.
  constexpr std::uint64_t highest_page() const {
    return (highest & kPageMask) == kPageMask ? highest >> kPageShift : (highest >> kPageShift) - 1;
  }
  /// The grain at which elements may begin and end.
  constexpr std::uint32_t grain() const { return minimum_transfer_unit > alignment ? minimum_transfer_unit : alignment; }
  /// The longest element that keeps the next one on the grain.
  constexpr std::uint32_t element_length_used() const { return element_length_max & ~(grain() - 1); }
};

}  // namespace drydock
