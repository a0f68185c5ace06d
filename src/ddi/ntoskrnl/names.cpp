#include "ddi/ntoskrnl/names.h"

#include <cstring>

namespace drydock::ddi {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

char32_t take(std::u16string_view& text) {
  const char16_t first = text.front();
  text.remove_prefix(1);
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first > 0xDBFF || text.empty() || text.front() < 0xDC00 || text.front() > 0xDFFF) return kReplacement;
  const char32_t pair = 0x10000 + ((char32_t{first} - 0xD800u) << 10) + (char32_t{text.front()} - 0xDC00u);
  text.remove_prefix(1);
  return pair;
}

void put(std::string& to, char32_t c) {
  const auto more = [&](unsigned shift) { to += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return void(to += static_cast<char>(c));
  if (c < 0x800) to += static_cast<char>(0xC0 | (c >> 6));
  else if (c < 0x10000) to += static_cast<char>(0xE0 | (c >> 12)), more(6);
  else to += static_cast<char>(0xF0 | (c >> 18)), more(12), more(6);
  more(0);
}

/// Overlong forms, surrogates and stray bytes are replaced, one byte at a time.
char32_t take(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first < 0x80) return first;
  const unsigned follow = first >= 0xF0 && first < 0xF8 ? 3 : first >= 0xE0 && first < 0xF0 ? 2 : first >= 0xC2 && first < 0xE0 ? 1 : 0;
  if (follow == 0 || text.size() < follow) return kReplacement;
  char32_t c = first & (0x3Fu >> follow);
  for (unsigned i = 0; i < follow; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return kReplacement;
    c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  if (c < kSmallest[follow] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return kReplacement;
  text.remove_prefix(follow);
  return c;
}

}  // namespace

std::string utf8_of(std::u16string_view text) {
  std::string result;
  while (!text.empty()) put(result, take(text));
  return result;
}

std::u16string utf16_of(std::string_view text) {
  std::u16string result;
  while (!text.empty()) {
    const char32_t c = take(text);
    if (c < 0x10000) result += static_cast<char16_t>(c);
    else result += {static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10)), static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF))};
  }
  return result;
}

std::u16string_view text_of(Call& call, const UNICODE_STRING* string, const char* what) {
  const UNICODE_STRING* host = call.object<const UNICODE_STRING>(string, what);
  if (host == nullptr || host->Length < sizeof(char16_t)) return {};
  const auto* text = reinterpret_cast<const char16_t*>(call.range(host->Buffer, host->Length, false, what));
  return text == nullptr ? std::u16string_view{} : std::u16string_view(text, host->Length / sizeof(char16_t));
}

std::optional<std::string> name_of(Call& call, const UNICODE_STRING* string, const char* what) {
  const UNICODE_STRING* host = call.object<const UNICODE_STRING>(string, what);
  if (host == nullptr) return std::nullopt;
  if (host->Length % 2 != 0 || host->Length > host->MaximumLength || (host->Length != 0 && host->Buffer == nullptr)) {
    call.broken("VER-171", "0xC4/0xE4", fmt::format("{} was given a malformed UNICODE_STRING as {}: Length {}, MaximumLength {}", call.name(), what, host->Length, host->MaximumLength));
    return std::nullopt;
  }
  return utf8_of(text_of(call, string, what));
}

std::u16string text_in(const std::vector<std::byte>& data) {
  std::u16string text(data.size() / 2, u'\0');
  if (!text.empty()) std::memcpy(text.data(), data.data(), text.size() * 2);
  while (!text.empty() && text.back() == 0) text.pop_back();
  return text;
}

}  // namespace drydock::ddi
