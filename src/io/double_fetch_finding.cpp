#include "io/double_fetch_finding.h"

#include <fmt/format.h>

namespace drydock {

// DOC: VER-110 BUF-69
RuleBroken double_fetch_finding(const FetchWatch& watch, const FetchPair& pair, const std::string& what) {
  const std::uint64_t bytes = pair.to - pair.from;
  const CodePlace second{.rip = pair.second.place.rip, .rsp = 0, .rbp = 0, .is_return_address = pair.second.place.is_return_address};
  return {"VER-110", "", fmt::format("{} byte{} of user memory {} read twice, and the second value decides: {}", bytes, bytes == 1 ? "" : "s", bytes == 1 ? "is" : "are", what),
          second, {{"first read at", watch.first_stack(), pair.first.place.is_return_address}, {"second read at", watch.second_stack(), pair.second.place.is_return_address}}};
}

RuleBroken double_fetch_that_stops(const FetchWatch& watch) {
  return double_fetch_finding(watch, watch.pair(), "when their process changes them in between, the system stops");
}

}  // namespace drydock
