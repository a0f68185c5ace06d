#pragma once
// The report for programs: --json, --junit, --sarif. Files are opened before the run, so that a bad path is bad input and
// not a lost report, and written whatever became of the run, drydock's own fault included.

#include <drydock/machine.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "command_line.h"

namespace drydock {

/// What a run was and how it ended.
struct RunEnded {
  Report report;
  bool started = false;  ///< the driver came up on its device
  std::optional<int> command_status;
};

class ReportFiles {
 public:
  static Result<ReportFiles> open(const RunRequest& request);

  bool on_standard_output() const;
  /// An error names the file that could not be written.
  Result<void> write(const RunRequest& request, const RunEnded& ended);
  bool any() const { return !files_.empty(); }

 private:
  struct File {
    std::string path;
    std::FILE* stream;
    std::string (*text)(const RunRequest&, const RunEnded&);
  };
  std::vector<File> files_;
};

}  // namespace drydock
