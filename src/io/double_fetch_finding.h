#pragma once
// What is told of a driver whose outcome depends on user memory that it reads twice.

#include <string>

#include "mem/fetch_watch.h"
#include "trace/events.h"

namespace drydock {

/// `what` says how the outcome differs.
RuleBroken double_fetch_finding(const FetchWatch& watch, const FetchPair& pair, const std::string& what);
/// For who ends the machine while the bytes are changed: that is what the second value led to.
RuleBroken double_fetch_that_stops(const FetchWatch& watch);

}  // namespace drydock
