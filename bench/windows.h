#pragma once
// Timing by alternating windows: a window of the work, a window of the reference, and again; each pair gives one ratio
// and the median of the ratios is the result. On a shared machine that repeats to 0.1 % where means do not to 20 %.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "reference.h"

namespace drydock::bench {

inline constexpr auto kWindow = std::chrono::microseconds(150);

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Nanoseconds of one of `count` calls.
template <class Work>
double time_of(std::uint64_t count, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work(count);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(count);
}

/// How many calls fill a window.
template <class Work>
std::uint64_t calls_per_window(const Work& work) {
  std::uint64_t count = 1;
  const auto window = static_cast<double>(std::chrono::nanoseconds(kWindow).count());
  while (time_of(count, work) * static_cast<double>(count) < window && count < (1u << 20)) count *= 2;
  return count;
}

class AlternatingWindows {
 public:
  /// One pair of windows; gives the nanoseconds of one call of `work`.
  template <class Work>
  double pair(std::uint64_t calls, std::uint64_t steps, const Work& work) {
    const double worked = time_of(calls, work);
    const double reference = time_of(steps, run_reference);
    nanoseconds_.push_back(worked);
    ratios_.push_back(worked / reference);
    return worked;
  }
  double median_ns() const { return median(nanoseconds_); }
  double median_ratio() const { return median(ratios_); }

 private:
  std::vector<double> nanoseconds_, ratios_;
};

}  // namespace drydock::bench
