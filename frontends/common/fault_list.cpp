#include "fault_list.h"

#include <fmt/format.h>

#include <algorithm>

namespace drydock {

std::string fault_list(std::span<const FaultType> types) {
  std::size_t width = 0;
  for (const FaultType& type : types) width = std::max(width, type.name.size());
  std::string text;
  for (const FaultType& type : types)
    text += fmt::format("{:<{}}  {}\n{:{}}  rate: of {} (default: {}){}\n", type.name, width, type.help, "", width, type.opportunity, type.rate,
                        type.of_file ? "; needs a disk in a file" : "");
  return text +
         "\nNAME=RATE sets the rate: 0.01, 1% or 1/100 of the opportunities, 1 for each, #7 for the seventh only.\n"
         "NAME@SEED gives a fault a seed of its own instead of the machine's; the same seed is the same run.\n"
         "Every device of the machine suffers each fault named. What a fault brings about is no finding against the driver.\n";
}

}  // namespace drydock
