#pragma once
// Instructions whose answer is the host processor's and not the machine's, because nothing traps there. They cannot be
// completed otherwise, so they are looked for when an image is loaded, and named.

#include <cstdint>
#include <string>
#include <vector>

#include "loader/pe_image.h"

namespace drydock {

struct UntrappedInstruction {
  std::uint32_t rva = 0;
  std::string name;         // "pushfq"
  const char* consequence;  // a clause for people
};

inline constexpr std::size_t kUntrappedMax = 32;

/// Those in the functions that .pdata lists, in the order of their addresses, at most kUntrappedMax. What lies between
/// functions may be data, and is not looked at.
std::vector<UntrappedInstruction> untrapped_instructions(const PeImage& image);

}  // namespace drydock
