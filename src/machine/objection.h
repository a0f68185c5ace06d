#pragma once
// What is wrong with the options themselves, known before anything runs: Machine::objection, and what start goes by, too.

#include <span>
#include <vector>

#include "base/result.h"
#include "drydock/machine.h"
#include "fault/fault_plan.h"
#include "machine/pairing.h"

namespace drydock {

/// The adapters that the options ask for, each a device that exists with its disk; and every fault of a file has a file.
Result<std::vector<AdapterSpec>> adapters_asked(const Options& options, std::span<const FaultSpec> faults);

}  // namespace drydock
