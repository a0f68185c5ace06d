#pragma once
// Sizes as people write them: "512", "64K", "64M", "1G", "1GiB". Powers of 1024, no fractions, no signs.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace drydock {

Result<std::uint64_t> parse_size(std::string_view text);

/// The other way, for summaries: the largest unit that divides, "64 KiB"; otherwise two digits, "1.50 GiB".
std::string size_text(std::uint64_t bytes);

/// Digits in groups of three: "1 234 567".
std::string count_text(std::uint64_t count);

}  // namespace drydock
