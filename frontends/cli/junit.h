#pragma once
// --junit: a run as the XML that CI systems read from test runners: one suite with a case for the start, one for the check
// or the command, and one for each finding.

#include <string>

#include "report_files.h"

namespace drydock {

std::string junit_report(const RunRequest& request, const RunEnded& ended);

/// Text that XML 1.0 can hold: other bytes, and characters it has no way to write, become U+FFFD.
std::string xml_text(std::string_view text);

}  // namespace drydock
