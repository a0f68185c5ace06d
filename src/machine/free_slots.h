#pragma once
// FreeSlots: which of up to 64 numbered things are free, for many OS threads. A process with one thread pays for no locked
// instruction.

#include <sys/single_threaded.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>

namespace drydock {

class FreeSlots {
 public:
  static constexpr unsigned kMax = 64;

  /// Takes the lowest free one.
  std::optional<unsigned> take() {
    std::uint64_t free = free_.load(std::memory_order_relaxed);
    if (__libc_single_threaded && free != 0) {
      free_.store(free & (free - 1), std::memory_order_relaxed);
      return static_cast<unsigned>(std::countr_zero(free));
    }
    while (free != 0)
      if (free_.compare_exchange_weak(free, free & (free - 1))) return static_cast<unsigned>(std::countr_zero(free));
    return std::nullopt;
  }
  void give_back(unsigned index) {
    const std::uint64_t bit = std::uint64_t{1} << index;
    if (__libc_single_threaded) free_.store(free_.load(std::memory_order_relaxed) | bit, std::memory_order_relaxed);
    else free_.fetch_or(bit);
  }

 private:
  std::atomic<std::uint64_t> free_{0};
};

}  // namespace drydock
