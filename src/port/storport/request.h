#pragma once
// Request: one SRB and everything that goes with it. The driver sees a slot of lent memory: the SRB, its address and
// extended data, the sense buffer, the scatter/gather list and the SRB extension, physically contiguous. At completion
// the slot is taken back: a later touch by the driver faults and is a finding. Slots are used again oldest first.
//
// States: idle -> (submitted) queued -> started -> completed by the driver -> idle. A request that outlives every reset is
// abandoned: the class layer has its answer, the driver still has the slot; it is idle again when both have let go.

#include <cstdint>
#include <span>

#include "hal/dma_mapping.h"
#include "hal/map_registers.h"
#include "mem/physical_memory.h"
#include "port/srb/srb.h"
#include "sched/time.h"

namespace drydock::storport {

class Adapter;
class LogicalUnit;

inline constexpr std::uint8_t kSenseLength = 255;  // DOC: ST-123

class Request final : public MapRegisterPool::Waiter {
 public:
  enum class State : std::uint8_t { idle, queued, started, completed, abandoned };
  enum class Direction : std::uint8_t { none, in, out };

  // --- filled by the class layer -------------------------------------------------------------------------------------
  Srb srb;                            ///< CDB, flags, time-out; the port fills the rest
  MDL* mdl = nullptr;                 ///< describes the caller's locked buffer; null: no data
  std::uint32_t data_offset = 0;      ///< where this request's part begins in the MDL
  std::uint32_t data_length = 0;
  std::uint64_t data_address = 0;     ///< of its first byte, in any view
  Direction direction = Direction::none;
  LogicalUnit* unit = nullptr;
  void (*completed)(Request&) = nullptr;  ///< at DISPATCH_LEVEL; the request may be submitted again or released
  void* owner = nullptr;
  void* class_context = nullptr;      ///< the class layer's own, as is the next
  std::uint8_t class_retries = 0;

  // --- results -------------------------------------------------------------------------------------------------------
  struct Result {
    std::uint8_t srb_status = 0, scsi_status = 0;
    std::uint32_t transferred = 0;    ///< bytes; at most data_length
  };
  Result result;                      ///< what the SRB said when it was completed
  std::span<const std::byte> sense() const { return {sense_host, kSenseLength}; }

  // --- the port's ----------------------------------------------------------------------------------------------------
  State state = State::idle;
  bool lent = false;
  bool released = false;              ///< while abandoned: the class layer has let go
  std::uint8_t busy_retries = 0;
  std::uint8_t escalation = 0;        ///< how many reset steps its time-out has taken
  std::uint32_t number = 0;           ///< of its slot in the pool
  std::uint32_t tag = 0;              ///< the queue tag the driver sees
  std::uint64_t serial = 0;           ///< the SRB number of messages and traces; new for every start
  Nanoseconds deadline = 0;
  unsigned cpu_index = 0;             ///< where it was started
  DmaMapping mapping;
  MapRegisterPool::Lease granted;     ///< map registers it waited for
  bool in_line = false;
  Adapter* adapter = nullptr;
  void registers_granted(MapRegisterPool::Lease lease) override;
  PageRun pages;
  void* srb_driver = nullptr;         ///< the addresses the driver knows
  std::byte* extension_host = nullptr;
  void* extension_driver = nullptr;   ///< null when the miniport has none
  std::byte* sense_host = nullptr;
  void* sense_driver = nullptr;
  void* original_driver = nullptr;    ///< OriginalRequest: nothing of the miniport's
  STOR_SCATTER_GATHER_LIST* list_host = nullptr;
  void* list_driver = nullptr;
  Request* next = nullptr;            ///< in one of the port's lists
  Request* newer = nullptr;           ///< outstanding requests in the order they were started
  Request* older = nullptr;
};

}  // namespace drydock::storport
