#pragma once
// LockedPages: how many MDLs hold each page in memory. A page described by several MDLs carries one lock for each and is
// free with the last (MDL-18). Nothing is ever paged out here; the ledger is what leak reports and lock rules are about.

#include <emmintrin.h>

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
  /// The same for `count` pages from `first` on, eight at a time.
  void lock_run(std::uint32_t first, std::uint32_t count) {
    change_run(first, count, [this](std::uint32_t page) { lock(page); }, 0xFFFF, 1);
  }
  void unlock_run(std::uint32_t first, std::uint32_t count) {
    change_run(first, count, [this](std::uint32_t page) { unlock(page); }, 0, -1);
  }
  bool locked(std::uint32_t page) const { return locks_[page] != 0; }
  unsigned locks(std::uint32_t page) const { return locks_[page]; }
  /// Pages with at least one lock; 0 when nothing leaked.
  std::uint32_t held() const { return held_; }

 private:
  /// Adds `by` (1 or -1) to each count. `limit` is what no count may be before; whoever meets one goes page by page, and is told.
  template <class One>
  void change_run(std::uint32_t first, std::uint32_t count, One one, std::uint16_t limit, std::int16_t by) {
    const __m128i step = _mm_set1_epi16(by), bad = _mm_set1_epi16(static_cast<std::int16_t>(limit)), edge = _mm_set1_epi16(by < 0 ? 1 : 0);
    std::uint32_t page = first;
    int turned = 0;  // counts that leave 0, or reach it
    for (; page + 8 <= first + count; page += 8) {
      auto* at = reinterpret_cast<__m128i*>(locks_.data() + page);
      const __m128i now = _mm_loadu_si128(at);
      if (_mm_movemask_epi8(_mm_cmpeq_epi16(now, bad)) != 0) break;
      turned += __builtin_popcount(static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi16(now, edge)))) / 2;
      _mm_storeu_si128(at, _mm_add_epi16(now, step));
    }
    held_ += static_cast<std::uint32_t>(turned * by);
    for (; page < first + count; ++page) one(page);
  }

  std::vector<std::uint16_t> locks_;
  std::uint32_t held_ = 0;
};

}  // namespace drydock
