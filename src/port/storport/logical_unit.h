#pragma once
// LogicalUnit: the queue in front of one device. DOC: ST-110 a queue and a depth each. Requests wait here while the depth
// is reached, the unit or the adapter is paused, busy or recovering.

#include <cstddef>
#include <cstdint>

#include "port/storport/request.h"
#include "sched/virtual_cpu.h"

namespace drydock::storport {

inline constexpr std::uint32_t kDefaultLunDepth = 20;   // DOC: ST-22
inline constexpr std::uint32_t kLunDepthMax = 254;      // DOC: H-24

class LogicalUnit {
 public:
  std::uint8_t path = 0, target = 0, lun = 0;
  std::uint32_t depth = kDefaultLunDepth;
  std::uint32_t outstanding = 0;
  std::uint32_t busy_for = 0;       ///< completions to see before the next start (StorPortDeviceBusy, QUEUE FULL)
  bool paused = false;
  Nanoseconds paused_until = 0;
  bool held = false;                ///< waiting out a BUSY or a reset
  bool known = false;               ///< answered an INQUIRY: it exists
  void* extension = nullptr;        ///< the miniport's per-unit storage (system view)
  Fifo<Request> waiting;

  bool ready() const { return !paused && !held && busy_for == 0 && outstanding < depth; }
};

}  // namespace drydock::storport
