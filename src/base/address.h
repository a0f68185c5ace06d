#pragma once
// Addresses are types: what the CPU's bus sees (PhysicalAddress), what a device sees (LogicalAddress) and what a client
// process sees (UserPointer) do not convert into each other.

#include <compare>
#include <cstddef>
#include <cstdint>

namespace drydock {

inline constexpr std::uint64_t kPageShift = 12;
inline constexpr std::uint64_t kPageSize = 1u << kPageShift;
inline constexpr std::uint64_t kPageMask = kPageSize - 1;

template <class Tag>
struct Address {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address operator+(std::uint64_t bytes) const { return {value + bytes}; }
  constexpr std::uint64_t operator-(Address other) const { return value - other.value; }
  constexpr std::uint64_t page() const { return value >> kPageShift; }
  constexpr std::uint32_t offset_in_page() const { return static_cast<std::uint32_t>(value & kPageMask); }
};

using PhysicalAddress = Address<struct PhysicalTag>;
using LogicalAddress = Address<struct LogicalTag>;
using UserPointer = Address<struct UserTag>;

/// Pages touched by [address, address + length). Any length; 0 touches none. DOC: MDL-03
constexpr std::uint64_t pages_spanned(std::uint64_t address, std::uint64_t length) {
  return ((address & kPageMask) + length + kPageMask) >> kPageShift;
}

}  // namespace drydock
