#pragma once
// What the user asked for. Everything that can be judged from the words alone is judged here; a refusal is one line.

#include <drydock/machine.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace drydock {

struct RunRequest {
  std::vector<std::pair<std::string, std::string>> settings;  ///< as given: what the nbdkit plugin is told
  Options options;                                            ///< the same, understood
  std::optional<std::string> nbd_socket;
  std::optional<std::string> command;
  /// Where the report goes; "-" is standard output, empty: not written.
  std::string json_file, junit_file, sarif_file;
  bool gdb = false;       ///< the run itself is gdb's business
  bool serves() const { return nbd_socket || command; }
};

struct CommandLine {
  enum class Verb { show_text, list_devices, inspect, list_exports, explain, run };
  Verb verb;
  std::string text;  ///< for show_text: help or version; for inspect: the driver; for explain: the rule or code
  RunRequest run;
  bool as_json = false;       ///< inspect, list_exports
  bool missing_only = false;  ///< list_exports
};

Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace drydock
