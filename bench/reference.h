#pragma once
// The work every time is compared with: a chain of multiplications, each waiting for the one before. Its length in
// cycles is fixed, so time over reference does not move with the clock, the neighbours or the hour.

#include <cstdint>

namespace drydock::bench {

inline constexpr int kChain = 64;  // one step of the reference: 64 × 3 cycles on every x86-64 of the last ten years

inline void run_reference(std::uint64_t steps) {
  std::uint64_t value = 3;
  for (std::uint64_t step = 0; step < steps; ++step)
    for (int i = 0; i < kChain; ++i) asm volatile("imul %0, %0" : "+r"(value));
}

}  // namespace drydock::bench
