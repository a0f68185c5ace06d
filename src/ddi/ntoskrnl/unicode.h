#pragma once
// UNICODE_STRINGs of the driver, and the ones it is given.

#include <string>
#include <string_view>

#include "abi/wdk.h"
#include "ddi/call.h"
#include "ddi/ntoskrnl/names.h"

namespace drydock::ddi {

/// A checked copy of a counted string; empty (after a finding) when it is not the driver's to read. NULL is empty.
inline std::u16string unicode_text(Call& call, const UNICODE_STRING* text, const char* what) {
  return text == nullptr ? std::u16string() : std::u16string(text_of(call, text, what));
}

}  // namespace drydock::ddi
