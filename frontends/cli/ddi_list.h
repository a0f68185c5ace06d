#pragma once
// `drydock ddi`: the routines drydock has, or with --missing those that its WDK headers declare and it has not.

#include <drydock/inspect.h>

#include <span>
#include <string>

#include "common/rule_book.h"

namespace drydock {

std::string exports_text(std::span<const ExportedRoutine> routines);
std::string exports_json(std::span<const ExportedRoutine> routines, const RuleBook& book);
std::string missing_text(std::span<const MissingRoutine> routines);
std::string missing_json(std::span<const MissingRoutine> routines, const RuleBook& book);

}  // namespace drydock
