#pragma once
// A program we start and end. It cannot outlive us: the kernel signals it when we die, however that happens; a guard, if
// asked for, passes that on to everything the program has started in turn.

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace drydock {

struct ChildProgram {
  std::vector<std::string> words = {};                                ///< the program, looked up in PATH, with its arguments
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< added to ours
  std::vector<int> descriptors = {};                                  ///< become 3, 4, … in the child
  bool socket_activated = false;                                      ///< descriptor 3 is a listening socket (LISTEN_FDS)
  bool own_group = true;                                              ///< out of reach of the terminal's Ctrl-C; signals go to all of its descendants
  bool guarded = false;                                               ///< see above: one more process, for shells
};

class ChildProcess {
 public:
  /// Refused, with the system's reason, if the program cannot be executed.
  static Result<ChildProcess> start(const ChildProgram& program);

  void signal(int number) const;
  /// The wait status, once it has ended; until then nothing.
  std::optional<int> ended();

 private:
  ChildProcess(pid_t pid, bool own_group) : pid_(pid), own_group_(own_group) {}
  pid_t pid_;
  bool own_group_;
  std::optional<int> status_;
};

/// As a shell reports it: the exit status, or 128 + the signal's number.
int shell_status(int wait_status);

}  // namespace drydock
