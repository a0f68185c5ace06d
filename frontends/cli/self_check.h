#pragma once
// `drydock run` without clients: the machine in this process, checking the driver by itself.

#include <drydock/machine.h>

namespace drydock {

struct SelfChecked {
  Report report;
  bool started = false;
};

/// Shows its progress on a terminal. SIGINT and SIGTERM let the check, a matter of seconds, come to its end and its report;
/// the second of them ends the process.
SelfChecked self_check(const Options& options);

}  // namespace drydock
