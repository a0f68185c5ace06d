#pragma once
// `drydock run` without clients: the machine in this process, checking the driver by itself.

#include <drydock/machine.h>

namespace drydock {

struct SelfChecked {
  Report report;
  bool started = false;
};

/// Shows its progress on a terminal. SIGINT, SIGTERM and SIGHUP stop the check where it is: the driver is stopped and
/// unloaded in order and the report tells what was found so far. The second of them ends the process.
SelfChecked self_check(const Options& options);

}  // namespace drydock
