#pragma once
// Arguments of C-variadic exports: 8 bytes each, BOOLEAN and UCHAR promoted, 8-byte structures by value in their slot.

#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "ddi/call.h"

namespace drydock::ddi {

template <class T>
T next_argument(__builtin_ms_va_list& arguments) {
  static_assert(sizeof(T) <= 8);
  const std::uint64_t slot = __builtin_va_arg(arguments, unsigned long long);
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(slot);
  } else if constexpr (std::is_class_v<T> || std::is_union_v<T>) {
    T value;
    std::memcpy(&value, &slot, sizeof value);
    return value;
  } else {
    return static_cast<T>(slot);
  }
}

/// Calls body(call, ext, arguments…), each taken from the list in order.
template <class... A>
ULONG spread(Call& call, void* ext, __builtin_ms_va_list& arguments, ULONG (*body)(Call&, void*, A...)) {
  std::tuple<A...> taken{next_argument<A>(arguments)...};  // braces: left to right
  return std::apply([&](auto... each) { return body(call, ext, each...); }, taken);
}

}  // namespace drydock::ddi
