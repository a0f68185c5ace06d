#pragma once
// What can be made to go wrong (Options::faults), for programs that let somebody choose.

#include <string>
#include <vector>

namespace drydock {

struct FaultType {
  std::string name;         ///< as in Options::faults: "lost-interrupt"
  std::string opportunity;  ///< what the rate is a part of: "completion interrupts"
  std::string help;         ///< what happens, one line
  std::string rate;         ///< when none is given: "1/100"
  bool of_file;             ///< it needs a disk in a file
};

std::vector<FaultType> fault_types();

}  // namespace drydock
