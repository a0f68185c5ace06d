#pragma once
// The formats of DbgPrint, sprintf and their kin: the C library's as Microsoft's kernel understands it: %lx and %lu are 32
// bits, %I64x, %ws, %wZ, %Z, %p; no floating point. Texts come from driver memory and are checked like every other pointer.

#include <string>

#include "ddi/call.h"

namespace drydock::ddi {

inline constexpr std::size_t kFormattedMax = 64 * 1024;  ///< units; longer results are cut off

std::string format_text(Call& call, const char* format, __builtin_ms_va_list& arguments);
/// Of the wide routines, where %s and %c mean wide and %S and %C mean narrow.
std::u16string format_wide(Call& call, const char16_t* format, __builtin_ms_va_list& arguments);

/// A text of the driver, at most `most` bytes, up to its terminator.
std::string driver_text(Call& call, const char* text, std::size_t most, const char* what);

/// Character for character; what has no narrow form becomes '?'.
std::u16string widened(std::string_view text);
std::string narrowed(std::u16string_view text);

}  // namespace drydock::ddi
