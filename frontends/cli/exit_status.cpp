#include "exit_status.h"

namespace drydock {

int exit_status(Outcome outcome, std::optional<int> command_status) {
  if (outcome >= Outcome::bad_input) return static_cast<int>(outcome);
  if (command_status.value_or(0) != 0) return *command_status;
  return static_cast<int>(outcome);
}

}  // namespace drydock
