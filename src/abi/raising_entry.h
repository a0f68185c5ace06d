#pragma once
// How a routine that may raise an exception is entered: through a stub that keeps the caller's registers, all that a Windows
// function must preserve and the rest as found, in a TrapFrame on the driver's stack. When the routine raises, handlers
// see those registers and the unwinder starts from them; when it returns, nobody looked. About 60 instructions.
//
// The frame holds the SSE state only (extended_mask), which is what the calling convention preserves.

#include <cstddef>
#include <cstdint>

#include "abi/trap_frame.h"

namespace drydock {

inline constexpr std::size_t kRaisingEntriesMax = 256;
inline constexpr std::size_t kRaisingStackArguments = 8;  // passed on besides the four in registers

/// A stub that keeps the registers and calls `target`, a function of the Microsoft ABI. Stubs are never given back.
const void* raising_entry(const void* target);

/// The caller's registers, for a `target` compiled with frame pointers: pass its __builtin_frame_address(0). rip is the
/// return address, rsp as the caller has it after the return.
inline TrapFrame& registers_of_caller(const void* frame_address) {
  constexpr std::size_t kHomeSpace = 32;
  const auto* at = static_cast<const std::byte*>(frame_address) + 16 + kHomeSpace + kRaisingStackArguments * 8;
  return **reinterpret_cast<TrapFrame* const*>(at);
}

}  // namespace drydock
