#pragma once
// The options of a run, by name: one table that the command line spells `--cpus 4` and the nbdkit plugin `cpus=4`.
// A value that cannot be right is refused here, in one line, before anything starts; what only the driver, the device
// or the disk can judge is left to Machine::start.

#include <drydock/machine.h>

#include <span>
#include <string_view>

#include "base/result.h"

namespace drydock {

struct Setting {
  std::string_view key;
  std::string_view value_name;  ///< for help texts: "SIZE"
  std::string_view help;
  bool repeatable;
  bool is_path;  ///< relative values are meant from the current directory
  Result<void> (*set)(Options&, std::string_view value);
};

std::span<const Setting> settings();
const Setting* find_setting(std::string_view key);

/// Sets one option; the error names the option and the value.
Result<void> set_option(Options& options, std::string_view key, std::string_view value);

/// Whether a disk is named by a path ("mem:64M" and "null" are not).
bool is_disk_file(std::string_view disk);

}  // namespace drydock
