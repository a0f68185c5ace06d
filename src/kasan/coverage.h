#pragma once
// Coverage: how often each instrumented block of a driver ran, by the address behind the call with which it says so.

#include <cstdint>
#include <vector>

namespace drydock {

class Coverage {
 public:
  Coverage(std::uint64_t base, std::uint64_t size) : base_(base), counts_(size) {}
  void hit(std::uint64_t address) {
    const std::uint64_t offset = address - base_;
    if (offset < counts_.size()) ++counts_[offset];
  }
  /// By offset in the image.
  const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  std::uint64_t base_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace drydock
