#pragma once
// A machine with our own driver on a small disk, for tests.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "machine/machine_impl.h"

namespace drydock {

inline Options options_for_tests(std::string disk, std::uint64_t seed = 1) {
  Options options;
  options.driver = DRYDOCK_TEST_DRIVERS "/ddvioblk.sys";
  options.disk = std::move(disk);
  options.memory = 64u << 20;
  options.seed = seed;
  return options;
}

inline std::unique_ptr<Machine> started(const Options& options, FileSeam& seam = system_file_seam()) {
  auto machine = start_machine(options, seam);
  EXPECT_TRUE(machine) << machine.error.message;
  return std::move(machine.machine);
}

inline std::string findings_text(const Report& report) {
  std::string text = report.message;
  for (const Finding& finding : report.findings) text += "\n" + finding.rule + ": " + finding.message + " at " + finding.driver_location;
  return text;
}

}  // namespace drydock
