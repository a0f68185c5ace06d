#pragma once
// How a request reaches its caller's buffer. Pure decisions; RequestBuffers puts them into effect. DOC: BUF-01

#include <cstdint>

#include "abi/wdk.h"

namespace drydock {

enum class AccessMethod : std::uint8_t { buffered, direct, neither };
const char* name_of(AccessMethod method);

/// Of IRP_MJ_READ and IRP_MJ_WRITE. DOC: BUF-02 both flags set is a mistake of the driver; buffered wins (H-01)
constexpr AccessMethod method_of_flags(ULONG device_flags) {
  if ((device_flags & DO_BUFFERED_IO) != 0) return AccessMethod::buffered;
  return (device_flags & DO_DIRECT_IO) != 0 ? AccessMethod::direct : AccessMethod::neither;
}

/// A control code taken apart. DOC: BUF-04 BUF-05
struct ControlCode {
  enum class Method : std::uint8_t { buffered = 0, in_direct = 1, out_direct = 2, neither = 3 };
  Method method;
  std::uint16_t function;    ///< 0 … 0xFFF; 0x800 and up are vendors'
  std::uint8_t access;       ///< FILE_READ_ACCESS, FILE_WRITE_ACCESS: what the handle must have
  std::uint32_t device_type; ///< 16 bits; 0x8000 and up are vendors'

  static constexpr ControlCode of(std::uint32_t code) {
    return {static_cast<Method>(code & 3), static_cast<std::uint16_t>(code >> 2 & 0xFFF), static_cast<std::uint8_t>(code >> 14 & 3), code >> 16};
  }
  /// DOC: BUF-06 a handle opened with `granted` may send it.
  constexpr bool allowed_to(std::uint8_t granted) const { return (access & ~granted) == 0; }
};

/// DOC: BUF-81 is the data of a request with this status given to its caller?
constexpr bool returns_data(NTSTATUS status) { return static_cast<std::uint32_t>(status) >> 30 != 3; }

}  // namespace drydock
