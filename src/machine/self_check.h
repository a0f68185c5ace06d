#pragma once
// The self-check: write, read back and compare over many sizes, offsets and buffer shapes, through the driver. What comes
// back different, or fails, is a finding against the driver or the device; the choices come from the seed.

#include <functional>
#include <string>

#include "drydock/machine.h"
#include "machine/machine_disk.h"

namespace drydock {

struct SelfCheckWatcher {
  std::function<bool(const SelfCheckProgress&)> progress;  ///< false: stop
  std::function<void(std::string)> complain;               ///< what went wrong, one line each
  std::function<bool()> excused;                           ///< is an error to be expected: has a fault struck on purpose?
};

/// Stops early when the machine has ended. A write whose error is excused leaves each of its sectors as it was or as it was to
/// be; every other sector, and every request without an error, is held to what was written. False: `progress` said stop.
bool run_self_check(MachineDisk& disk, std::uint64_t seed, const SelfCheckWatcher& watcher);

}  // namespace drydock
