#pragma once
// Texts of the driver, seen in place: found up to their terminator and checked page by page like every other pointer.

#include <algorithm>
#include <string_view>

#include "ddi/call.h"

namespace drydock::ddi {

inline constexpr std::size_t kTextMax = std::size_t{1} << 20;  ///< longer texts of a driver are taken to have no end

/// drydock's view of a text of at most `most` units, without its terminator. Ends early, after a finding, where the
/// memory is not the driver's.
template <class C>
std::basic_string_view<C> driver_string(Call& call, const C* text, std::size_t most, const char* what) {
  const C* start = nullptr;
  std::size_t length = 0;
  while (length < most) {
    const C* next = text + length;
    const std::uint64_t in_page = kPageSize - (reinterpret_cast<std::uint64_t>(next) & kPageMask);
    std::size_t units = std::min<std::size_t>(most - length, std::max<std::uint64_t>(1, in_page / sizeof(C)));
    // Of machine memory only what the text has in the page is claimed: behind its end something else may begin.
    if (const C* seen = call.memory().alias(next))
      units = static_cast<std::size_t>(std::min(std::find(seen, seen + units, C{0}) + 1, seen + units) - seen);
    const auto* host = reinterpret_cast<const C*>(call.range(next, units * sizeof(C), false, what));
    if (host == nullptr) break;
    if (start == nullptr) start = host;
    const C* end = std::find(host, host + units, C{0});
    length += static_cast<std::size_t>(end - host);
    if (end != host + units) break;
  }
  return {start, length};
}

}  // namespace drydock::ddi
