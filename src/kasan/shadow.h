#pragma once
// Shadow: of every byte of the lent view, whether it belongs to an object of the driver. One shadow byte tells of eight:
// 0 all eight, 1…7 the first so many, kNone not one. What was never marked belongs to somebody. One question costs a few
// instructions; memory is taken only where something was marked.

#include <cstdint>

#include "mem/guarded_memory.h"

namespace drydock {

class Shadow final : public ByteMarks {
 public:
  explicit Shadow(const PhysicalMemory& memory);
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  void valid(std::uint64_t offset, std::uint64_t bytes) override;
  void invalid(std::uint64_t offset, std::uint64_t bytes) override;

  /// May a driver touch all of [address, +bytes)? Addresses outside the lent view are not this class's business: yes.
  bool allows(std::uint64_t address, std::uint64_t bytes) const {
    const std::uint64_t first = address - base_, last = first + bytes - 1;
    if (last >= size_ || first > last) return true;
    for (std::uint64_t granule = first / kGranule; granule < last / kGranule; ++granule)
      if (bytes_[granule] != 0) return false;
    const std::uint8_t shadow = bytes_[last / kGranule];
    return shadow == 0 || (shadow != kNone && last % kGranule < shadow);
  }

 private:
  static constexpr std::uint64_t kGranule = 8;
  static constexpr std::uint8_t kNone = 0xFF;

  std::uint64_t base_, size_;
  std::uint8_t* bytes_;
};

}  // namespace drydock
