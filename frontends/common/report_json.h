#pragma once
// A Report as JSON: what --json writes, and how the nbdkit plugin hands its report to the command line. Reading gives
// back what was written.

#include <drydock/machine.h>

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace drydock {

nlohmann::ordered_json to_json(const Report& report);

/// Indented when meant for people, one line otherwise. Bytes that are not UTF-8 (a driver's DbgPrint) are replaced.
std::string json_text(const Report& report, bool indented);

/// The line the plugin writes before its report: from now on clients are served.
std::string serving_line(std::size_t disks);
/// How many disks are served, when `heard` begins with the whole of that line.
std::optional<std::size_t> parse_serving_line(std::string_view heard);

Result<Report> parse_report(std::string_view text);

}  // namespace drydock
