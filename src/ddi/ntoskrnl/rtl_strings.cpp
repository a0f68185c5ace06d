// ntoskrnl.exe: Rtl…: counted strings: prefixes, case, conversions between character sets, numbers and GUIDs.
// ASSUMED: the system's ANSI code page is Latin-1. tests/drivers/wdm/kernel_routines

#include <algorithm>
#include <cstring>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"
#include "ddi/ntoskrnl/names.h"
#include "ddi/pool.h"
#include "ddi/text.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kStringTag = 0x72745355;  // 'UStr'

// --- case: ASCII and Latin-1 ----------------------------------------------------------------------------------------------------

constexpr char16_t upcase(char16_t c) {
  const bool small = (c >= u'a' && c <= u'z') || (c >= 0xE0 && c <= 0xFE && c != 0xF7);
  return small ? static_cast<char16_t>(c - 0x20) : c == 0xFF ? u'\u0178' : c;
}
constexpr char16_t downcase(char16_t c) {
  const bool large = (c >= u'A' && c <= u'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7);
  return large ? static_cast<char16_t>(c + 0x20) : c == u'\u0178' ? char16_t{0xFF} : c;
}
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }

USHORT downcase_char(Call&, USHORT c) { return downcase(c); }
CHAR upper_char(Call&, CHAR c) { return upper(c); }

std::string_view text_of(Call& call, const STRING* string, const char* what) {
  const STRING* host = call.object<const STRING>(string, what);
  const auto* text = host == nullptr || host->Length == 0 ? nullptr : reinterpret_cast<const char*>(call.range(host->Buffer, host->Length, false, what));
  return text == nullptr ? std::string_view{} : std::string_view(text, host->Length);
}
using ddi::text_of;

BOOLEAN prefix_unicode(Call& call, const UNICODE_STRING* prefix, const UNICODE_STRING* string, BOOLEAN ignore_case) {
  const auto head = text_of(call, prefix, "String1"), all = text_of(call, string, "String2");
  const auto same = [&](char16_t a, char16_t b) { return ignore_case ? upcase(a) == upcase(b) : a == b; };
  return head.size() <= all.size() && std::equal(head.begin(), head.end(), all.begin(), same);
}

LONG compare_strings(Call& call, const STRING* a, const STRING* b, BOOLEAN ignore_case) {
  const auto first = text_of(call, a, "String1"), second = text_of(call, b, "String2");
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    const int x = static_cast<unsigned char>(ignore_case ? upper(first[i]) : first[i]), y = static_cast<unsigned char>(ignore_case ? upper(second[i]) : second[i]);
    if (x != y) return x - y;
  }
  return static_cast<LONG>(first.size()) - static_cast<LONG>(second.size());
}
BOOLEAN equal_strings(Call& call, const STRING* a, const STRING* b, BOOLEAN ignore_case) { return compare_strings(call, a, b, ignore_case) == 0; }

/// What fits.
void copy_folded(Call& call, STRING* to, const STRING* from, char (*fold)(char)) {
  STRING* host = call.object(to, "DestinationString");
  if (host == nullptr) return;
  const auto text = from == nullptr ? std::string_view{} : text_of(call, from, "SourceString");
  const std::size_t count = std::min<std::size_t>(text.size(), host->MaximumLength);
  host->Length = static_cast<USHORT>(count);
  std::byte* buffer = call.range(host->Buffer, count, true, "DestinationString");
  if (buffer != nullptr) std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(count), reinterpret_cast<char*>(buffer), fold);
}
void copy_string(Call& call, STRING* to, const STRING* from) { copy_folded(call, to, from, [](char c) { return c; }); }
void upper_string(Call& call, STRING* to, const STRING* from) { copy_folded(call, to, from, [](char c) { return upper(c); }); }

// --- giving a string back: into the buffer that is there, or a new one --------------------------------------------------------------

template <class String, class Character>
NTSTATUS give(Call& call, String* to, std::basic_string_view<Character> text, bool allocate, const char* what = "DestinationString") {
  String* host = call.object(to, what);
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  const std::size_t bytes = text.size() * sizeof(Character), room = bytes + sizeof(Character);
  if (room > 0xFFFE) return STATUS_INVALID_PARAMETER_2;
  if (allocate) {
    host->Buffer = static_cast<decltype(host->Buffer)>(pool_allocate(call, room, kStringTag, PoolKind::paged));
    if (host->Buffer == nullptr) return STATUS_NO_MEMORY;
    host->MaximumLength = static_cast<USHORT>(room);
  }
  if (host->MaximumLength < bytes) return STATUS_BUFFER_OVERFLOW;
  const bool terminated = host->MaximumLength >= room;
  std::byte* buffer = call.range(host->Buffer, terminated ? room : bytes, true, what);
  if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
  if (bytes != 0) std::memmove(buffer, text.data(), bytes);
  if (terminated) std::memset(buffer + bytes, 0, sizeof(Character));
  host->Length = static_cast<USHORT>(bytes);
  return STATUS_SUCCESS;
}

NTSTATUS give_folded(Call& call, UNICODE_STRING* to, const UNICODE_STRING* from, bool allocate, char16_t (*fold)(char16_t)) {
  std::u16string text(text_of(call, from, "SourceString"));
  std::transform(text.begin(), text.end(), text.begin(), fold);
  return give(call, to, std::u16string_view(text), allocate);
}
NTSTATUS upcase_string(Call& call, UNICODE_STRING* to, const UNICODE_STRING* from, BOOLEAN allocate) { return give_folded(call, to, from, allocate != FALSE, upcase); }
NTSTATUS downcase_string(Call& call, UNICODE_STRING* to, const UNICODE_STRING* from, BOOLEAN allocate) { return give_folded(call, to, from, allocate != FALSE, downcase); }

NTSTATUS ansi_to_unicode(Call& call, UNICODE_STRING* to, const STRING* from, BOOLEAN allocate) {
  const std::u16string text = widened(text_of(call, from, "SourceString"));
  return give(call, to, std::u16string_view(text), allocate != FALSE);
}
NTSTATUS unicode_to_ansi(Call& call, STRING* to, const UNICODE_STRING* from, BOOLEAN allocate) {
  const std::string text = narrowed(text_of(call, from, "SourceString"));
  return give(call, to, std::string_view(text), allocate != FALSE);
}
NTSTATUS utf8_to_unicode(Call& call, UNICODE_STRING* to, const STRING* from, BOOLEAN allocate) {
  const std::u16string text = utf16_of(text_of(call, from, "SourceString"));
  return give(call, to, std::u16string_view(text), allocate != FALSE);
}
NTSTATUS unicode_to_utf8(Call& call, STRING* to, const UNICODE_STRING* from, BOOLEAN allocate) {
  const std::string text = utf8_of(text_of(call, from, "SourceString"));
  return give(call, to, std::string_view(text), allocate != FALSE);
}

template <class String>
void free_string(Call& call, String* string) {
  String* host = call.object(string, "String");
  if (host == nullptr || host->Buffer == nullptr) return;
  pool_free(call, host->Buffer);
  *host = {};
}

ULONG ansi_size(Call& call, const UNICODE_STRING* string) { return static_cast<ULONG>(text_of(call, string, "UnicodeString").size()) + 1; }
ULONG unicode_size(Call& call, const STRING* string) { return (static_cast<ULONG>(text_of(call, string, "AnsiString").size()) + 1) * 2; }

// --- conversions of plain buffers ---------------------------------------------------------------------------------------------------

/// As much as fits; the length is told when there is no buffer.
template <class Character>
NTSTATUS give_plain(Call& call, void* to, ULONG room, ULONG* length, const std::basic_string<Character>& text, const char* what) {
  const auto bytes = static_cast<ULONG>(text.size() * sizeof(Character));
  const ULONG given = to == nullptr ? bytes : std::min(bytes, room - room % static_cast<ULONG>(sizeof(Character)));
  if (length != nullptr)
    if (ULONG* host = call.object(length, "ActualByteCount")) *host = given;
  if (to == nullptr) return STATUS_SUCCESS;
  std::byte* buffer = call.range(to, given, true, what);
  if (buffer == nullptr) return STATUS_ACCESS_VIOLATION;
  std::memmove(buffer, text.data(), given);
  return given < bytes ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}
std::u16string_view wide_source(Call& call, const char16_t* from, ULONG bytes) {
  const auto* text = reinterpret_cast<const char16_t*>(call.range(from, bytes, false, "Source"));
  return text == nullptr ? std::u16string_view{} : std::u16string_view(text, bytes / 2);
}
std::string_view narrow_source(Call& call, const char* from, ULONG bytes) {
  const auto* text = reinterpret_cast<const char*>(call.range(from, bytes, false, "Source"));
  return text == nullptr ? std::string_view{} : std::string_view(text, bytes);
}
NTSTATUS unicode_to_utf8_n(Call& call, char* to, ULONG room, ULONG* length, const char16_t* from, ULONG bytes) {
  return give_plain(call, to, room, length, utf8_of(wide_source(call, from, bytes)), "UTF8StringDestination");
}
NTSTATUS utf8_to_unicode_n(Call& call, char16_t* to, ULONG room, ULONG* length, const char* from, ULONG bytes) {
  return give_plain(call, to, room, length, utf16_of(narrow_source(call, from, bytes)), "UnicodeStringDestination");
}
NTSTATUS unicode_to_multibyte_n(Call& call, char* to, ULONG room, ULONG* length, const char16_t* from, ULONG bytes) {
  const NTSTATUS status = give_plain(call, to, room, length, narrowed(wide_source(call, from, bytes)), "MultiByteString");
  return status == STATUS_BUFFER_TOO_SMALL ? STATUS_BUFFER_OVERFLOW : status;
}
NTSTATUS multibyte_to_unicode_n(Call& call, char16_t* to, ULONG room, ULONG* length, const char* from, ULONG bytes) {
  const NTSTATUS status = give_plain(call, to, room, length, widened(narrow_source(call, from, bytes)), "UnicodeString");
  return status == STATUS_BUFFER_TOO_SMALL ? STATUS_BUFFER_OVERFLOW : status;
}

// --- numbers -----------------------------------------------------------------------------------------------------------------------

bool is_base(ULONG base) { return base == 2 || base == 8 || base == 10 || base == 16; }

NTSTATUS number_to_unicode(Call& call, ULONGLONG value, ULONG base, UNICODE_STRING* to) {
  if (base == 0) base = 10;
  if (!is_base(base)) return STATUS_INVALID_PARAMETER;
  std::u16string digits;
  do digits.insert(digits.begin(), u"0123456789ABCDEF"[value % base]);
  while ((value /= base) != 0);
  return give(call, to, std::u16string_view(digits), false, "String");
}
NTSTATUS integer_to_unicode(Call& call, ULONG value, ULONG base, UNICODE_STRING* to) { return number_to_unicode(call, value, base, to); }

/// Blanks, a sign, a prefix 0b, 0o or 0x if no base is given, digits up to the first character that is none.
template <class Character>
NTSTATUS parse(Call& call, std::basic_string_view<Character> text, ULONG base, ULONG* value) {
  const auto take = [&](Character wanted) { return !text.empty() && text.front() == wanted ? (text.remove_prefix(1), true) : false; };
  while (!text.empty() && text.front() <= Character{' '}) text.remove_prefix(1);
  const bool negative = take(Character{'-'});
  if (!negative) take(Character{'+'});
  if (base == 0) {
    base = 10;
    if (text.size() > 1 && text[0] == Character{'0'}) {
      const ULONG told = text[1] == Character{'x'} ? 16 : text[1] == Character{'o'} ? 8 : text[1] == Character{'b'} ? 2 : 0;
      if (told != 0) base = told, text.remove_prefix(2);
    }
  }
  if (!is_base(base)) return STATUS_INVALID_PARAMETER;
  ULONG sum = 0;
  for (const Character c : text) {
    const ULONG digit = c >= '0' && c <= '9' ? ULONG(c - '0') : c >= 'a' && c <= 'f' ? ULONG(c - 'a' + 10) : c >= 'A' && c <= 'F' ? ULONG(c - 'A' + 10) : 99;
    if (digit >= base) break;
    sum = sum * base + digit;
  }
  ULONG* host = call.object(value, "Value");
  if (host == nullptr) return STATUS_ACCESS_VIOLATION;
  *host = negative ? 0 - sum : sum;
  return STATUS_SUCCESS;
}
NTSTATUS unicode_to_integer(Call& call, const UNICODE_STRING* string, ULONG base, ULONG* value) { return parse(call, text_of(call, string, "String"), base, value); }
NTSTATUS text_to_integer(Call& call, const char* string, ULONG base, ULONG* value) { return parse(call, driver_string(call, string, kTextMax, "String"), base, value); }

// --- GUIDs and hashes ----------------------------------------------------------------------------------------------------------------

NTSTATUS string_from_guid(Call& call, const GUID* guid, UNICODE_STRING* to) {
  const GUID* g = call.object<const GUID>(guid, "Guid");
  if (g == nullptr) return STATUS_INVALID_PARAMETER;
  const std::string text = fmt::format("{{{:08X}-{:04X}-{:04X}-{:02X}{:02X}-{:02X}{:02X}{:02X}{:02X}{:02X}{:02X}}}", g->Data1, g->Data2, g->Data3, g->Data4[0], g->Data4[1], g->Data4[2],
                                       g->Data4[3], g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
  const std::u16string wide = widened(text);
  return give(call, to, std::u16string_view(wide), true, "GuidString");
}

/// The hexadecimal digits of {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}; none if it is not that.
std::optional<std::string> guid_digits(std::string_view text) {
  constexpr std::string_view kForm = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
  std::string digits;
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i)
    if (kForm[i] == 'x' && std::isxdigit(static_cast<unsigned char>(text[i]))) digits += text[i];
    else if (kForm[i] != text[i]) return std::nullopt;
  return digits.size() == 32 ? std::optional(digits) : std::nullopt;
}

NTSTATUS guid_from_string(Call& call, const UNICODE_STRING* string, GUID* guid) {
  const auto digits = guid_digits(narrowed(text_of(call, string, "GuidString")));
  GUID* host = call.object(guid, "Guid");
  if (!digits || host == nullptr) return STATUS_INVALID_PARAMETER;
  const auto number = [&](std::size_t at, std::size_t count) { return std::stoul(digits->substr(at, count), nullptr, 16); };
  host->Data1 = static_cast<ULONG>(number(0, 8));
  host->Data2 = static_cast<USHORT>(number(8, 4));
  host->Data3 = static_cast<USHORT>(number(12, 4));
  for (std::size_t i = 0; i < 8; ++i) host->Data4[i] = static_cast<UCHAR>(number(16 + 2 * i, 2));
  return STATUS_SUCCESS;
}

// The one algorithm that is named: x65599.
NTSTATUS hash_string(Call& call, const UNICODE_STRING* string, BOOLEAN ignore_case, ULONG algorithm, ULONG* hash) {
  ULONG* host = call.object(hash, "HashValue");
  if (host == nullptr || algorithm > HASH_STRING_ALGORITHM_X65599) return STATUS_INVALID_PARAMETER;
  ULONG sum = 0;
  for (const char16_t c : text_of(call, string, "String")) sum = sum * 65599 + (ignore_case ? upcase(c) : c);
  *host = sum;
  return STATUS_SUCCESS;
}

}  // namespace

std::vector<Row> rtl_string_rows() {
  const char* latin = "case is that of ASCII and Latin-1";
  const char* page = "the ANSI code page is Latin-1";
  return {
      routine<"RtlPrefixUnicodeString", kPassiveLevel, &prefix_unicode>(kModule, "nf-ntddk-rtlprefixunicodestring", Coverage::partial, latin),
      routine<"RtlUpcaseUnicodeString", kApcLevel, &upcase_string>(kModule, "nf-ntddk-rtlupcaseunicodestring", Coverage::partial, latin),
      routine<"RtlDowncaseUnicodeString", kApcLevel, &downcase_string>(kModule, "nf-ntifs-rtldowncaseunicodestring", Coverage::partial, latin),
      routine<"RtlDowncaseUnicodeChar", kPassiveLevel, &downcase_char>(kModule, "nf-wdm-rtldowncaseunicodechar", Coverage::partial, latin),
      routine<"RtlUpperChar", kApcLevel, &upper_char>(kModule, "nf-ntddk-rtlupperchar", Coverage::partial, latin),
      routine<"RtlUpperString", kApcLevel, &upper_string>(kModule, "nf-ntddk-rtlupperstring", Coverage::partial, latin),
      routine<"RtlCopyString", kAnyIrql, &copy_string>(kModule, "nf-ntddk-rtlcopystring"),
      routine<"RtlCompareString", kPassiveLevel, &compare_strings>(kModule, "nf-ntddk-rtlcomparestring", Coverage::partial, latin),
      routine<"RtlEqualString", kPassiveLevel, &equal_strings>(kModule, "nf-ntddk-rtlequalstring", Coverage::partial, latin),
      routine<"RtlAnsiStringToUnicodeString", kPassiveLevel, &ansi_to_unicode>(kModule, "nf-wdm-rtlansistringtounicodestring", Coverage::partial, page),
      routine<"RtlUnicodeStringToAnsiString", kPassiveLevel, &unicode_to_ansi>(kModule, "nf-wdm-rtlunicodestringtoansistring", Coverage::partial, page),
      routine<"RtlUTF8StringToUnicodeString", kPassiveLevel, &utf8_to_unicode>(kModule, "nf-wdm-rtlutf8stringtounicodestring"),
      routine<"RtlUnicodeStringToUTF8String", kPassiveLevel, &unicode_to_utf8>(kModule, "nf-wdm-rtlunicodestringtoutf8string"),
      routine<"RtlFreeUnicodeString", kApcLevel, &free_string<UNICODE_STRING>>(kModule, "nf-wdm-rtlfreeunicodestring"),
      routine<"RtlFreeAnsiString", kApcLevel, &free_string<STRING>>(kModule, "nf-wdm-rtlfreeansistring"),
      routine<"RtlxUnicodeStringToAnsiSize", kPassiveLevel, &ansi_size>(kModule, "nf-wdm-rtlxunicodestringtoansisize", Coverage::partial, page),
      routine<"RtlxAnsiStringToUnicodeSize", kPassiveLevel, &unicode_size>(kModule, "nf-wdm-rtlxansistringtounicodesize", Coverage::partial, page),
      routine<"RtlUnicodeToUTF8N", kPassiveLevel, &unicode_to_utf8_n>(kModule, "nf-wdm-rtlunicodetoutf8n", Coverage::partial, "never says STATUS_SOME_NOT_MAPPED"),
      routine<"RtlUTF8ToUnicodeN", kPassiveLevel, &utf8_to_unicode_n>(kModule, "nf-wdm-rtlutf8tounicoden", Coverage::partial, "never says STATUS_SOME_NOT_MAPPED"),
      routine<"RtlUnicodeToMultiByteN", kApcLevel, &unicode_to_multibyte_n>(kModule, "nf-ntifs-rtlunicodetomultibyten", Coverage::partial, page),
      routine<"RtlMultiByteToUnicodeN", kApcLevel, &multibyte_to_unicode_n>(kModule, "nf-ntifs-rtlmultibytetounicoden", Coverage::partial, page),
      routine<"RtlIntegerToUnicodeString", kPassiveLevel, &integer_to_unicode>(kModule, "nf-wdm-rtlintegertounicodestring"),
      routine<"RtlInt64ToUnicodeString", kPassiveLevel, &number_to_unicode>(kModule, "nf-wdm-rtlint64tounicodestring"),
      routine<"RtlUnicodeStringToInteger", kPassiveLevel, &unicode_to_integer>(kModule, "nf-wdm-rtlunicodestringtointeger"),
      routine<"RtlCharToInteger", kPassiveLevel, &text_to_integer>(kModule, "nf-ntddk-rtlchartointeger"),
      routine<"RtlStringFromGUID", kPassiveLevel, &string_from_guid>(kModule, "nf-wdm-rtlstringfromguid"),
      routine<"RtlGUIDFromString", kPassiveLevel, &guid_from_string>(kModule, "nf-wdm-rtlguidfromstring"),
      routine<"RtlHashUnicodeString", kApcLevel, &hash_string>(kModule, "nf-wdm-rtlhashunicodestring"),
  };
}

}  // namespace drydock::ddi
