#pragma once
// A Report for a person: a table of what the driver claimed and what happened, each finding with where and how often,
// one closing line.

#include <drydock/machine.h>

#include <string>

#include "terminal.h"

namespace drydock {

/// The table; numbers a machine that never started cannot have are left out.
std::string summary_table(const Report& report, const Style& style);
/// Numbered, in the order they were found; empty when there are none.
std::string findings_text(const Report& report, const Style& style);
/// "clean: 12 I/Os, no findings", "2 findings", "the driver crashed: …".
std::string closing_line(const Report& report, const Style& style);
/// What the driver printed last, for a driver that failed; empty when it printed nothing.
std::string last_words(const Report& report, std::size_t lines);

}  // namespace drydock
