#pragma once
// The formats of DbgPrint and its kin: the C library's as Microsoft's kernel understands it: %lx and %lu are 32 bits,
// %I64x, %ws, %wZ, %Z, %p. Texts come from driver memory and are checked like every other pointer.

#include <string>
#include <string_view>

#include "ddi/call.h"

namespace drydock::ddi {

/// Formats at most 4 KiB.
std::string format_text(Call& call, const char* format, __builtin_ms_va_list& arguments);

/// A text of the driver, at most `most` bytes, up to its terminator.
std::string driver_text(Call& call, const char* text, std::size_t most, const char* what);

}  // namespace drydock::ddi
