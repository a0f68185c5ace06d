#pragma once
// LockedPages: how many MDLs hold each page in memory. A page described by several MDLs carries one lock for each and is
// free with the last (MDL-18). Nothing is ever paged out here; the ledger is what leak reports and lock rules are about.

#include <cstdint>
#include <vector>

#include "base/check.h"

namespace drydock {

class LockedPages {
 public:
  explicit LockedPages(std::size_t pages) : locks_(pages) {}

  void lock(std::uint32_t page) {
    CHECK(locks_[page] < 0xFFFF, "page {} is locked 65535 times", page);
    held_ += locks_[page]++ == 0;
  }
  void unlock(std::uint32_t page) {
    CHECK(locks_[page] > 0, "page {} is unlocked but was not locked", page);
    held_ -= --locks_[page] == 0;
  }
  bool locked(std::uint32_t page) const { return locks_[page] != 0; }
  unsigned locks(std::uint32_t page) const { return locks_[page]; }
  /// Pages with at least one lock; 0 when nothing leaked.
  std::uint32_t held() const { return held_; }

 private:
  std::vector<std::uint16_t> locks_;
  std::uint32_t held_ = 0;
};

}  // namespace drydock
