#pragma once
// LogicalUnit: the queue in front of one device. DOC: ST-110 a queue and a depth each. Requests wait here while the depth
// is reached, or the unit or the adapter is paused, busy or being reset.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "port/storport/request.h"
#include "sched/virtual_cpu.h"

namespace drydock::storport {

inline constexpr std::uint32_t kDefaultLunDepth = 20;   // DOC: ST-22
inline constexpr std::uint32_t kTaggedDepthMax = 254;   // DOC: H-24 queue tags of one byte

/// The queue tags of a unit: small numbers, each given to one outstanding request at a time, the lowest first.
class QueueTags {
 public:
  /// SP_UNTAGGED when all are out.
  std::uint8_t take() {
    for (std::size_t word = 0; word < used_.size(); ++word)
      if (const auto bit = static_cast<unsigned>(std::countr_one(used_[word])); bit < 64) {
        const auto tag = static_cast<std::uint8_t>(word * 64 + bit);
        if (tag >= kTaggedDepthMax) break;
        used_[word] |= std::uint64_t{1} << bit;
        return tag;
      }
    return SP_UNTAGGED;
  }
  void give_back(std::uint8_t tag) { used_[tag / 64] &= ~(std::uint64_t{1} << tag % 64); }

 private:
  std::array<std::uint64_t, 4> used_{};
};

class LogicalUnit {
 public:
  std::uint8_t path = 0, target = 0, lun = 0;
  std::uint32_t depth = kDefaultLunDepth;
  std::uint32_t outstanding = 0;
  std::uint32_t busy_for = 0;       ///< completions to see before the next start (StorPortDeviceBusy, QUEUE FULL)
  std::uint32_t resets = 0;         ///< resets of it that the miniport is at
  Nanoseconds paused_until = 0;     ///< 0: not paused
  Nanoseconds held_until = 0;       ///< waiting out a BUSY; 0: not
  bool known = false;               ///< answered an INQUIRY: it exists
  bool gone = false;                ///< was there and is not any more; its depth is 0
  bool forgotten = false;           ///< nothing is there; the object serves the next unit that is looked for
  void* extension = nullptr;        ///< the miniport's per-unit storage (system view)
  QueueTags tags;
  Fifo<Request> waiting;

  bool ready() const {
    return (paused_until | held_until) == 0 && (busy_for | resets) == 0 && outstanding < depth;
  }
  bool is_at(std::uint8_t p, std::uint8_t t, std::uint8_t l) const { return path == p && target == t && lun == l; }
};

}  // namespace drydock::storport
