#pragma once
// What exception a trapped instruction is, if it is one: Windows asks handlers about some traps and stops the machine at
// others, where the processor could not have waited for a page or no address can be right.

#include <cstdint>
#include <optional>

#include "abi/trap_frame.h"
#include "abi/wdk.h"
#include "sched/irql.h"
#include "trap/trap_service.h"

namespace drydock {

struct TrapCircumstances {
  Irql irql = kPassiveLevel;
  std::uint64_t user_end = 0;  // addresses from here on are the system's
  bool in_image = false;       // the address that was touched lies in a driver
};

/// Nothing: no handler is asked.
std::optional<EXCEPTION_RECORD> exception_of(const TrapOutcome& outcome, const TrapFrame& frame, const TrapCircumstances& circumstances);
EXCEPTION_RECORD exception_record(NTSTATUS code, std::uint64_t address);

}  // namespace drydock
