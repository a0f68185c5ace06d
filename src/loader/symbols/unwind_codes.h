#pragma once
// UNWIND_INFO as it lies in .xdata, from "x64 exception handling" on learn.microsoft.com; the epilogue code of version 2
// from LLVM's public Win64EH.h (Apache-2.0 with LLVM exception): a number and a length only.

#include <cstdint>

namespace drydock::pe {

enum UnwindOperation : std::uint8_t {
  kPushNonvolatile = 0,
  kAllocLarge = 1,
  kAllocSmall = 2,
  kSetFrameRegister = 3,
  kSaveNonvolatile = 4,
  kSaveNonvolatileFar = 5,
  kEpilogue = 6,       // version 2: where epilogues lie; nothing to undo
  kSpare = 7,
  kSaveXmm = 8,
  kSaveXmmFar = 9,
  kPushMachineFrame = 10,
};

inline constexpr std::uint8_t kExceptionHandler = 1;
inline constexpr std::uint8_t kUnwindHandler = 2;
inline constexpr std::uint8_t kChained = 4;

/// The four bytes in front of the codes.
struct UnwindInfo {
  std::uint8_t version_flags, prologue_size, code_slots, frame;
  std::uint8_t version() const { return version_flags & 7; }
  std::uint8_t flags() const { return static_cast<std::uint8_t>(version_flags >> 3); }
  unsigned frame_register() const { return frame & 15u; }
  std::uint64_t frame_offset() const { return (frame >> 4) * std::uint64_t{16}; }
};
static_assert(sizeof(UnwindInfo) == 4);

/// One slot; an operand takes the one or two slots behind it.
struct UnwindCode {
  std::uint8_t prologue_offset, operation_info;
  UnwindOperation operation() const { return static_cast<UnwindOperation>(operation_info & 15); }
  unsigned info() const { return operation_info >> 4; }
};
static_assert(sizeof(UnwindCode) == 2);

/// Slots an operation takes, itself included; 0 for one that does not exist.
constexpr unsigned unwind_slots(UnwindOperation operation, unsigned info) {
  switch (operation) {
    case kPushNonvolatile: case kAllocSmall: case kSetFrameRegister: case kPushMachineFrame: return 1;
    case kAllocLarge: return info == 0 ? 2 : info == 1 ? 3 : 0;
    case kSaveNonvolatile: case kSaveXmm: case kEpilogue: return 2;
    case kSaveNonvolatileFar: case kSaveXmmFar: case kSpare: return 3;
  }
  return 0;
}

}  // namespace drydock::pe
