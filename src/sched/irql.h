#pragma once
// IRQL is a number in a struct. The levels of x86-64 that drydock uses; DIRQL is the same for every interrupt of a machine.

#include <cstdint>

namespace drydock {

using Irql = std::uint8_t;

inline constexpr Irql kPassiveLevel = 0;
inline constexpr Irql kApcLevel = 1;
inline constexpr Irql kDispatchLevel = 2;
inline constexpr Irql kDeviceLevel = 8;
inline constexpr Irql kHighLevel = 15;

}  // namespace drydock
