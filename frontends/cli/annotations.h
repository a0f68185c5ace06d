#pragma once
// In a GitHub workflow (GITHUB_ACTIONS=true) each finding is also a line that GitHub shows at the place in the source:
// ::error file=my.c,line=40,title=ST-42::message

#include <string>

#include "report_files.h"

namespace drydock {

bool in_github_workflow();
std::string annotations(const RunEnded& ended);

}  // namespace drydock
