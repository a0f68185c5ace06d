#pragma once
// The self-check: write, read back and compare over many sizes, offsets and buffer shapes, through the driver. What comes
// back different, or fails, is a finding against the driver or the device; the choices come from the seed.

#include <functional>
#include <string>

#include "drydock/machine.h"
#include "machine/machine_disk.h"

namespace drydock {

/// `complain` is told what went wrong, one line each. Stops early when the machine has ended. False: `progress` said stop.
bool run_self_check(MachineDisk& disk, std::uint64_t seed, const std::function<bool(const SelfCheckProgress&)>& progress,
                    const std::function<void(std::string)>& complain);

}  // namespace drydock
