#pragma once
// A line on standard error that says how far the self-check is; nothing at all when that is not a terminal.

#include <drydock/machine.h>

#include <chrono>
#include <string>

namespace drydock {

/// "[=====>      ]  42 %  writes of 64 KiB", at most `columns` wide.
std::string progress_line(const SelfCheckProgress& progress, std::size_t columns);

class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();  ///< wipes the line
  void show(const SelfCheckProgress& progress);

 private:
  bool visible_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace drydock
