#pragma once
// `drydock run --nbd/--exec`: nbdkit as a child with our plugin in it, a command beside it, and what came of both.

#include <drydock/machine.h>

#include <optional>

#include "base/result.h"
#include "command_line.h"

namespace drydock {

struct Served {
  Report report;
  bool started = false;               ///< the driver came up and clients were served
  std::optional<int> command_status;  ///< of --exec, as a shell reports it
};

/// Returns when the command has ended, on SIGINT or SIGTERM, or when the server died. An error is bad input.
Result<Served> serve(const RunRequest& request);

/// $DRYDOCK_PLUGIN, else beside this program, else where it was installed.
Result<std::string> find_plugin();

}  // namespace drydock
