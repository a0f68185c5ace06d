// ntoskrnl.exe: Rtl…: memory and counted strings.

#include <algorithm>
#include <cstring>
#include <limits>

#include "ddi/bytes.h"
#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"
#include "ddi/ntoskrnl/names.h"
#include "ddi/raise.h"
#include "ddi/text.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

// --- memory -------------------------------------------------------------------------------------------------------------

void move_memory_rtl(Call& call, void* to, const void* from, SIZE_T length) {
  move_bytes(call, to, from, length, "Destination", "Source");
}
void fill_memory(Call& call, void* to, SIZE_T length, UCHAR value) { fill_bytes(call, to, value, length, "Destination"); }
void zero_memory(Call& call, void* to, SIZE_T length) { fill_memory(call, to, length, 0); }
// How many bytes are equal from the start.
SIZE_T compare_memory(Call& call, const void* a, const void* b, SIZE_T length) {
  const ReadableBytes first(call, a, length, "Source1"), second(call, b, length, "Source2");
  SIZE_T same = 0;
  while (first.get() != nullptr && second.get() != nullptr && same < length && first.get()[same] == second.get()[same]) ++same;
  return same;
}

// --- counted strings --------------------------------------------------------------------------------------------------------

// What does not fit the 16-bit lengths is cut off, whole characters only.
template <class C, class String>
void init_string(Call& call, String* string, const C* text) {
  String* host = call.object(string, "DestinationString");
  if (host == nullptr) return;
  constexpr std::size_t kUnitsMax = std::numeric_limits<USHORT>::max() / sizeof(C) - 1;
  const std::size_t bytes = text == nullptr ? 0 : std::min(driver_string(call, text, kTextMax, "SourceString").size(), kUnitsMax) * sizeof(C);
  host->Length = static_cast<USHORT>(bytes);
  host->MaximumLength = static_cast<USHORT>(text == nullptr ? 0 : bytes + sizeof(C));
  host->Buffer = reinterpret_cast<decltype(host->Buffer)>(const_cast<C*>(text));
}

// ASCII and Latin-1.
constexpr char16_t upcase(char16_t c) {
  const bool small = (c >= u'a' && c <= u'z') || (c >= 0xE0 && c <= 0xFE && c != 0xF7);
  return small ? static_cast<char16_t>(c - 0x20) : c == 0xFF ? u'\u0178' : c;
}
USHORT upcase_char(Call&, USHORT c) { return upcase(c); }

LONG compare_unicode(Call& call, const UNICODE_STRING* a, const UNICODE_STRING* b, BOOLEAN ignore_case) {
  const auto first = text_of(call, a, "String1"), second = text_of(call, b, "String2");
  for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    const LONG x = ignore_case ? upcase(first[i]) : first[i], y = ignore_case ? upcase(second[i]) : second[i];
    if (x != y) return x - y;
  }
  return static_cast<LONG>(first.size()) - static_cast<LONG>(second.size());
}
BOOLEAN equal_unicode(Call& call, const UNICODE_STRING* a, const UNICODE_STRING* b, BOOLEAN ignore_case) {
  return compare_unicode(call, a, b, ignore_case) == 0;
}

// Writes behind the first `at` bytes of the string what fits of `text`, and a terminator where there is room for one.
bool put_at(Call& call, UNICODE_STRING& host, std::size_t at, std::u16string_view text) {
  const std::size_t room = host.MaximumLength > at ? host.MaximumLength - at : 0;
  const std::size_t bytes = std::min(room / sizeof(char16_t), text.size()) * sizeof(char16_t);
  const bool terminated = room - bytes >= sizeof(char16_t);
  std::byte* start = reinterpret_cast<std::byte*>(host.Buffer) + at;
  std::byte* to = call.range(start, bytes + (terminated ? sizeof(char16_t) : 0), true, "Buffer");
  if (to == nullptr) return false;
  if (bytes != 0) std::memmove(to, text.data(), bytes);
  if (terminated) std::memset(to + bytes, 0, sizeof(char16_t));
  host.Length = static_cast<USHORT>(at + bytes);
  return true;
}

void copy_unicode(Call& call, UNICODE_STRING* to, const UNICODE_STRING* from) {
  UNICODE_STRING* host = call.object(to, "DestinationString");
  if (host == nullptr) return;
  host->Length = 0;
  if (from != nullptr) put_at(call, *host, 0, text_of(call, from, "SourceString"));
}

// All or nothing.
NTSTATUS append(Call& call, UNICODE_STRING* to, std::u16string_view text) {
  UNICODE_STRING* host = call.object(to, "Destination");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  if (host->Length + text.size() * sizeof(char16_t) > host->MaximumLength) return STATUS_BUFFER_TOO_SMALL;
  return put_at(call, *host, host->Length, text) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
NTSTATUS append_unicode(Call& call, UNICODE_STRING* to, const UNICODE_STRING* from) { return append(call, to, text_of(call, from, "Source")); }
NTSTATUS append_text(Call& call, UNICODE_STRING* to, const char16_t* from) {
  return append(call, to, from == nullptr ? std::u16string_view{} : driver_string(call, from, kTextMax, "Source"));
}

// --- the rest ------------------------------------------------------------------------------------------------------------------

// Windows 10 22H2, as NtBuildNumber says.
NTSTATUS get_version(Call& call, RTL_OSVERSIONINFOW* version) {
  RTL_OSVERSIONINFOW* host = call.object(version, "lpVersionInformation");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  constexpr ULONG kWin32Nt = 2;
  host->dwMajorVersion = 10;
  host->dwMinorVersion = 0;
  host->dwBuildNumber = 19045;
  host->dwPlatformId = kWin32Nt;
  std::memset(host->szCSDVersion, 0, sizeof host->szCSDVersion);
  return STATUS_SUCCESS;
}

// DOC: VER-104 PAGED_CODE asserts this.
void assertion_failed(Call& call, const char* expression, const char* file, ULONG line, const char*) {
  constexpr std::size_t kLengthMax = 512;
  const std::string text = driver_text(call, expression, kLengthMax, "FailedAssertion");
  call.kernel().debug_print(fmt::format("assertion failed: {} ({}:{})", text, driver_text(call, file, kLengthMax, "FileName"), line));
  if (text.find("KeGetCurrentIrql() <= APC_LEVEL") != std::string::npos)
    call.broken("VER-104", "", fmt::format("PAGED_CODE was reached at IRQL {}: pageable code runs below DISPATCH_LEVEL only", call.scheduler().irql()));
}

}  // namespace

std::vector<Row> rtl_rows() {
  const char* latin = "case is that of ASCII and Latin-1";
  return {
      memory_routine<"RtlFillMemory", kAnyIrql, &fill_memory>(kModule, "nf-wdm-rtlfillmemory"),
      memory_routine<"RtlZeroMemory", kAnyIrql, &zero_memory>(kModule, "nf-wdm-rtlzeromemory"),
      memory_routine<"RtlMoveMemory", kAnyIrql, &move_memory_rtl>(kModule, "nf-wdm-rtlmovememory"),
      memory_routine<"RtlCopyMemory", kAnyIrql, &move_memory_rtl>(kModule, "nf-wdm-rtlcopymemory"),
      memory_routine<"RtlCompareMemory", kAnyIrql, &compare_memory>(kModule, "nf-wdm-rtlcomparememory"),
      memory_routine<"RtlInitUnicodeString", kAnyIrql, &init_string<char16_t, UNICODE_STRING>>(kModule, "nf-wdm-rtlinitunicodestring"),
      memory_routine<"RtlInitAnsiString", kAnyIrql, &init_string<char, ANSI_STRING>>(kModule, "nf-wdm-rtlinitansistring"),
      memory_routine<"RtlInitString", kAnyIrql, &init_string<char, ANSI_STRING>>(kModule, "nf-wdm-rtlinitstring"),
      memory_routine<"RtlCompareUnicodeString", kAnyIrql, &compare_unicode>(kModule, "nf-wdm-rtlcompareunicodestring", Coverage::partial, latin),
      memory_routine<"RtlEqualUnicodeString", kAnyIrql, &equal_unicode>(kModule, "nf-wdm-rtlequalunicodestring", Coverage::partial, latin),
      memory_routine<"RtlUpcaseUnicodeChar", kAnyIrql, &upcase_char>(kModule, "nf-wdm-rtlupcaseunicodechar", Coverage::partial, latin),
      memory_routine<"RtlCopyUnicodeString", kAnyIrql, &copy_unicode>(kModule, "nf-wdm-rtlcopyunicodestring"),
      memory_routine<"RtlAppendUnicodeStringToString", kAnyIrql, &append_unicode>(kModule, "nf-wdm-rtlappendunicodestringtostring"),
      memory_routine<"RtlAppendUnicodeToString", kAnyIrql, &append_text>(kModule, "nf-wdm-rtlappendunicodetostring"),
      routine<"RtlGetVersion", kPassiveLevel, &get_version>(kModule, "nf-wdm-rtlgetversion", Coverage::partial, "RTL_OSVERSIONINFOW only"),
      routine<"RtlAssert", kAnyIrql, &assertion_failed>(kModule, "nf-wdm-assertmsg", Coverage::partial, "told in the debug output; no debugger is entered"),
  };
}

}  // namespace drydock::ddi
