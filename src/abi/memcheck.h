#pragma once
// What valgrind's memcheck must be told about stacks of our own, and what it does to a trapped instruction. Without
// valgrind's headers, or outside valgrind, all of this is nothing.

#include <cstddef>
#include <cstdint>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define DRYDOCK_MEMCHECK 1
#endif

namespace drydock::memcheck {

/// Are we run by valgrind? Asked once; then a load.
inline bool running() {
#ifdef DRYDOCK_MEMCHECK
  static const bool under_valgrind = RUNNING_ON_VALGRIND != 0;
  return under_valgrind;
#else
  return false;
#endif
}

/// A stack that threads will switch to; the answer is its name for stack_is_gone().
inline unsigned stack_is_made([[maybe_unused]] std::uintptr_t bottom, [[maybe_unused]] std::uintptr_t top) {
#ifdef DRYDOCK_MEMCHECK
  return static_cast<unsigned>(VALGRIND_STACK_REGISTER(bottom, top - 1));
#else
  return 0;
#endif
}
inline void stack_is_gone([[maybe_unused]] unsigned name) {
#ifdef DRYDOCK_MEMCHECK
  VALGRIND_STACK_DEREGISTER(name);
#endif
}

/// A signal handler lowers the stack pointer of what it interrupted, from `rsp` to `at`. Memcheck takes the red zone of the
/// System V ABI below for the stack's as well.
inline void joins_the_stack([[maybe_unused]] std::uintptr_t at, [[maybe_unused]] std::uintptr_t rsp) {
#ifdef DRYDOCK_MEMCHECK
  constexpr std::uintptr_t kRedZone = 128;
  static_cast<void>(VALGRIND_MAKE_MEM_UNDEFINED(at - kRedZone, rsp - at + kRedZone));
#endif
}

/// Addresses that trap and are meant to: memcheck, which looks first, need not complain of the access. The processor
/// refuses it all the same.
inline void traps_on_purpose([[maybe_unused]] std::uintptr_t at, [[maybe_unused]] std::size_t bytes) {
#ifdef DRYDOCK_MEMCHECK
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(at, bytes));
#endif
}

/// False under a valgrind that keeps registers in temporaries across memory accesses (its default): at a fault it then
/// shows old values, and what an emulated instruction would do with them is anything. Found out by trying, once.
bool registers_are_exact_at_faults();

/// The options that make them exact: registers, and rip behind a jump that valgrind has followed.
inline constexpr const char* kExactRegistersOptions = "--vex-iropt-register-updates=allregs-at-mem-access --vex-guest-chase=no";

}  // namespace drydock::memcheck
