#pragma once
// --sarif: a run as SARIF 2.1.0 (OASIS), which code scanning services show beside the source: each rule with its help text
// and documentation page, each finding with the driver's file, line and stack.

#include <string>

#include "report_files.h"

namespace drydock {

std::string sarif_report(const RunRequest& request, const RunEnded& ended);

}  // namespace drydock
