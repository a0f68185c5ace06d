#pragma once
// One number for scripts out of what happened to the machine and to the command that used it.

#include <drydock/machine.h>

#include <optional>

namespace drydock {

/// Precedence: drydock's own fault 5, the driver crashed 4, it refused to start 3, bad input 2; then the command's own
/// status if it is not 0; then findings 1; else 0.
int exit_status(Outcome outcome, std::optional<int> command_status);

}  // namespace drydock
