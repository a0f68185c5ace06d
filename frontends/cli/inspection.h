#pragma once
// `drydock inspect`: what a driver is, how it was built, and what of Windows it asks for, for people and as JSON.

#include <drydock/inspect.h>

#include <string>

#include "common/rule_book.h"
#include "terminal.h"

namespace drydock {

std::string inspection_text(const DriverFacts& facts, const RuleBook& book, const Style& style);
std::string inspection_json(const DriverFacts& facts, const RuleBook& book);

}  // namespace drydock
