#pragma once
// Counted strings of the driver and drydock's own texts. Inside, names are UTF-8.

#include <optional>
#include <string>

#include "ddi/call.h"

namespace drydock::ddi {

std::string utf8_of(std::u16string_view text);
std::u16string utf16_of(std::string_view text);

/// The characters of a counted string; nothing after a finding.
std::u16string_view text_of(Call& call, const UNICODE_STRING* string, const char* what);

/// Of a Zw routine: none, and a finding, when the string is malformed. DOC: VER-171
std::optional<std::string> name_of(Call& call, const UNICODE_STRING* string, const char* what);

/// A UTF-16 value of the registry, without its terminator.
std::u16string text_in(const std::vector<std::byte>& data);

}  // namespace drydock::ddi
