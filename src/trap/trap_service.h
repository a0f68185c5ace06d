#pragma once
// TrapService: completes a trapped instruction of a driver. It looks at what was touched before it decodes anything, so
// a wild access is never taken for a register. Used by MachineHooks::trap.

#include <cstdint>
#include <string>

#include "trap/emulator.h"
#include "trap/memory_port.h"
#include "trap/privileged.h"

namespace drydock {

enum class TrapVerdict : std::uint8_t {
  emulated,       // the frame has been changed as the instruction would have; the driver may go on
  wild,           // an address that is nobody's (data, or a jump to it)
  divide_error,   // #DE: integer division by zero or overflow
  float_error,    // unmasked SSE or x87 exception
  misaligned,     // #AC, or SSE access that needs alignment
  illegal,        // not an instruction (ud2 among them)
  unsupported     // legal, but drydock refuses it: `reason`
};

struct TrapOutcome {
  TrapVerdict verdict = TrapVerdict::emulated;
  RegionKind region = RegionKind::none;
  std::uint64_t address = 0;  // what was touched, when known
  unsigned size = 0;
  bool write = false;
  std::string reason;         // in the driver author's words; empty when emulated
};

class TrapService {
 public:
  TrapService(TrapRegions& regions, Privileged& privileged) : regions_(regions), privileged_(privileged) {}
  TrapOutcome handle(TrapFrame& frame);

 private:
  TrapRegions& regions_;
  Privileged& privileged_;
  Emulator emulator_;
};

}  // namespace drydock
