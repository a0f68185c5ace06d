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
  emulated,      // the frame has been changed as the instruction would have; the driver may go on
  wild,          // an address that is nobody's (data, or a jump to it)
  divide_error,  // integer division by zero, or a quotient that does not fit
  float_error,   // an unmasked SSE or x87 exception
  misaligned,    // an SSE access that needs alignment, or #AC
  illegal,       // not an instruction (ud2 among them)
  unsupported    // legal, but refused: `reason`
};

struct TrapOutcome {
  TrapVerdict verdict = TrapVerdict::emulated;
  RegionKind region = RegionKind::none;  // of the trapped address
  std::uint64_t address = 0;             // what was touched, when known
  unsigned size = 0;                     // of the access; 0 when not known
  bool write = false;
  bool divides_by_zero = false;          // of divide_error: the divisor is 0; else the quotient does not fit
  std::string reason;                    // one clause in the driver author's words; empty when emulated
};

class TrapService {
 public:
  TrapService(TrapRegions& regions, Privileged& privileged) : regions_(regions), privileged_(privileged) {}
  TrapOutcome handle(TrapFrame& frame);

 private:
  TrapOutcome breakpoint(TrapFrame& frame);
  TrapOutcome page_fault(TrapFrame& frame);
  TrapOutcome division(const TrapFrame& frame);
  TrapOutcome general_protection(TrapFrame& frame);
  TrapOutcome run_privileged(const Plan& plan, TrapFrame& frame);

  TrapRegions& regions_;
  Privileged& privileged_;
  Emulator emulator_;
};

}  // namespace drydock
