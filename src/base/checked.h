#pragma once
// Arithmetic on numbers that came from outside: an overflow is an answer, not undefined behaviour.

#include <concepts>
#include <optional>

namespace drydock {

template <std::integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  T product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// Is [offset, offset + length) inside [0, size)?
template <std::unsigned_integral T>
constexpr bool lies_inside(T offset, T length, T size) {
  return offset <= size && length <= size - offset;
}

}  // namespace drydock
