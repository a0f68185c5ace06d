#pragma once
// Line coverage of a driver built by drydock-cc --coverage, as text in the format of lcov. A driver tells of every block it
// enters; here its code is cut into those blocks, and their instructions give the lines. A line ran as often as the block
// of it that ran most, and is summed over the functions it was inlined into.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "loader/pe_image.h"
#include "loader/symbols/symboliser.h"

namespace drydock {

/// Source places of an instruction (RVA), innermost inlined function first.
using LinesAt = std::function<std::vector<SourceLocation>(std::uint32_t rva)>;

/// One block: the instructions that run whenever its first one does.
struct CodeBlock {
  std::uint32_t function = 0;               ///< RVA of its function
  std::vector<std::uint32_t> instructions;  ///< RVAs
  std::uint32_t counted_at = 0;             ///< behind its call of the callback; 0: it has none, nobody knows
};

std::vector<CodeBlock> blocks_of(const PeImage& pe);

/// `counts` is by RVA (kasan/coverage.h). Headers of drydock's WDK are left out: their lines count as those that use them.
std::string lcov_text(const PeImage& pe, const std::vector<std::uint64_t>& counts, const LinesAt& lines);

}  // namespace drydock
