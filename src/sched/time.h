#pragma once
// Virtual time: nanoseconds since the machine's power-on. No wall clock is ever read in the core.

#include <compare>
#include <cstdint>

namespace drydock {

using Nanoseconds = std::uint64_t;

inline constexpr Nanoseconds kMicrosecond = 1'000;
inline constexpr Nanoseconds kMillisecond = 1'000'000;
inline constexpr Nanoseconds kSecond = 1'000'000'000;

}  // namespace drydock
