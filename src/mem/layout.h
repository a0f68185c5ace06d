#pragma once
// Where everything lies in the process: fixed, published address ranges, so that driver-visible pointers are equal from
// run to run. A second machine in the same process takes the next slot. The ranges are chosen to be usable under
// AddressSanitizer (above its shadow) and valgrind (below 32 TiB). ASSUMED: no test harness maps anything here before us;
// a taken slot is skipped (mem/physical_memory_test.cpp: two memories take two slots).

#include <cstdint>

namespace drydock {

inline constexpr std::uint64_t kSlotBase = 0x1800'0000'0000;
inline constexpr std::uint64_t kSlotStride = 0x40'0000'0000;  // 256 GiB of addresses for each machine
inline constexpr unsigned kSlots = 24;

/// Offsets inside a slot. The four memory views have the same size and order, so that a view change is an addition.
inline constexpr std::uint64_t kViewStride = 0x8'0000'0000;  // 32 GiB: the most memory a machine can have
inline constexpr std::uint64_t kUserView = 0 * kViewStride;
inline constexpr std::uint64_t kSystemView = 1 * kViewStride;
inline constexpr std::uint64_t kForbiddenView = 2 * kViewStride;
inline constexpr std::uint64_t kLentView = 3 * kViewStride;
inline constexpr std::uint64_t kImageArena = 4 * kViewStride;
inline constexpr std::uint64_t kMmioArena = 5 * kViewStride;
inline constexpr std::uint64_t kMappingArena = 6 * kViewStride;  ///< buffers spliced from scattered pages
inline constexpr std::uint64_t kArenaSize = kViewStride;

inline constexpr std::uint64_t kMemoryMax = kViewStride;

/// Loads from here are completed by the trap layer; the address is the architecture's own.
inline constexpr std::uint64_t kKuserSharedData = 0xFFFF'F780'0000'0000;

}  // namespace drydock
