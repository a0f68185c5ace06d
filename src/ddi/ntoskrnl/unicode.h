#pragma once
// UNICODE_STRINGs of the driver, and the ones it is given.

#include <string>
#include <string_view>

#include "abi/wdk.h"
#include "ddi/call.h"
#include "ddi/text.h"

namespace drydock::ddi {

/// A checked copy of a counted string; empty (after a finding) when it is not the driver's to read. NULL is empty.
inline std::u16string unicode_text(Call& call, const UNICODE_STRING* text, const char* what) {
  if (text == nullptr) return {};
  const UNICODE_STRING* host = call.object<const UNICODE_STRING>(text, what);
  if (host == nullptr || host->Length == 0) return {};
  const auto* units = reinterpret_cast<const char16_t*>(call.range(host->Buffer, host->Length, false, what));
  return units == nullptr ? std::u16string() : std::u16string(units, host->Length / sizeof(char16_t));
}

}  // namespace drydock::ddi
