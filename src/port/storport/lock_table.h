#pragma once
// Which of Storport's locks a routine of the miniport may acquire. DOC: ST-78 the table of the page of
// StorPortAcquireSpinLock, with H-43.

#include <cstdint>
#include <optional>
#include <string_view>

#include "abi/wdk.h"

namespace drydock::storport {

class LockSet {
 public:
  constexpr LockSet() = default;
  constexpr LockSet(std::initializer_list<STOR_SPINLOCK> locks) {
    for (const STOR_SPINLOCK lock : locks) bits_ |= 1u << lock;
  }
  constexpr bool has(STOR_SPINLOCK lock) const { return (bits_ >> lock & 1) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  unsigned bits_ = 0;
};

/// None: the table does not list the routine.
std::optional<LockSet> locks_for(std::string_view routine, bool full_duplex);

/// As messages say it: "DPC", "StartIo" or "interrupt".
std::string_view name_of_lock(STOR_SPINLOCK lock);

}  // namespace drydock::storport
