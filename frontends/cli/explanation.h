#pragma once
// `drydock explain`: a rule or a bug check in plain words, with the addresses of Microsoft's pages.

#include <string>

#include "base/result.h"
#include "common/rule_book.h"

namespace drydock {

/// `what` is an id ("ST-43") or a code as drydock prints it ("0xD1", "0xF1/0x2004").
Result<std::string> explanation(std::string_view what, const RuleBook& book);

}  // namespace drydock
