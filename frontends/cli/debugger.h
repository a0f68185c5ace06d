#pragma once
// `drydock run … --gdb`: this process becomes gdb on the same run, with drydock's script for gdb loaded.

#include <string>
#include <vector>

#include "base/result.h"
#include "command_line.h"

namespace drydock {

/// The words of the debugger's command line. `words` is our own: the program and its arguments.
Result<std::vector<std::string>> debugger_command(const RunRequest& request, const std::vector<std::string>& words);

/// Returns only if it fails: what hinders.
std::string become_debugger(const RunRequest& request, const std::vector<std::string>& words);

}  // namespace drydock
