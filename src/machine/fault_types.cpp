// The list of faults, in the words of the embedding API.

#include <drydock/faults.h>
#include <fmt/format.h>

#include "fault/fault_point.h"

namespace drydock {

std::vector<FaultType> fault_types() {
  std::vector<FaultType> types;
  for (const FaultDescription& each : fault_descriptions())
    types.push_back({std::string(each.name), std::string(each.opportunity), std::string(each.help), fmt::format("1/{}", each.one_in), each.of_file});
  return types;
}

}  // namespace drydock
