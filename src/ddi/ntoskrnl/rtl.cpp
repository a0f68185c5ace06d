// ntoskrnl.exe: Rtl… and the part of the C library that the kernel exports.

#include <cstring>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

void* copy_memory(Call& call, void* to, const void* from, SIZE_T length) {
  std::byte* target = call.range(to, length, true, "Destination");
  const std::byte* source = call.range(from, length, false, "Source");
  if (target != nullptr && source != nullptr) std::memmove(target, source, length);
  return to;
}
void* set_memory(Call& call, void* to, int value, SIZE_T length) {
  if (std::byte* target = call.range(to, length, true, "Destination")) std::memset(target, value, length);
  return to;
}
int compare(Call& call, const void* a, const void* b, SIZE_T length) {
  const std::byte* first = call.range(a, length, false, "Buf1");
  const std::byte* second = call.range(b, length, false, "Buf2");
  return first == nullptr || second == nullptr ? 1 : std::memcmp(first, second, length);
}
void fill_memory(Call& call, void* to, SIZE_T length, UCHAR value) { set_memory(call, to, value, length); }
void zero_memory(Call& call, void* to, SIZE_T length) { set_memory(call, to, 0, length); }
void move_memory_rtl(Call& call, void* to, const void* from, SIZE_T length) { copy_memory(call, to, from, length); }
// How many bytes are equal from the start.
SIZE_T compare_memory(Call& call, const void* a, const void* b, SIZE_T length) {
  const std::byte* first = call.range(a, length, false, "Source1");
  const std::byte* second = call.range(b, length, false, "Source2");
  SIZE_T same = 0;
  while (first != nullptr && second != nullptr && same < length && first[same] == second[same]) ++same;
  return same;
}

constexpr std::size_t kTextMax = 1 << 20;
SIZE_T string_length(Call& call, const char* text) { return driver_text(call, text, kTextMax, "str").size(); }
int string_compare(Call& call, const char* a, const char* b) {
  return driver_text(call, a, kTextMax, "str1").compare(driver_text(call, b, kTextMax, "str2"));
}
int string_compare_n(Call& call, const char* a, const char* b, SIZE_T count) {
  return driver_text(call, a, count, "str1").compare(driver_text(call, b, count, "str2"));
}

SIZE_T wide_length(Call& call, const char16_t* text) {
  SIZE_T length = 0;
  for (; length < kTextMax; ++length) {
    const std::byte* at = call.range(text + length, sizeof(char16_t), false, "str");
    if (at == nullptr || (at[0] == std::byte{0} && at[1] == std::byte{0})) break;
  }
  return length;
}

void init_unicode_string(Call& call, UNICODE_STRING* string, const char16_t* text) {
  UNICODE_STRING* host = call.object(string, "DestinationString");
  if (host == nullptr) return;
  const SIZE_T bytes = text == nullptr ? 0 : wide_length(call, text) * 2;
  host->Length = static_cast<USHORT>(bytes);
  host->MaximumLength = static_cast<USHORT>(text == nullptr ? 0 : bytes + 2);
  host->Buffer = reinterpret_cast<decltype(host->Buffer)>(const_cast<char16_t*>(text));
}

}  // namespace

std::vector<Row> rtl_rows() {
  const char* crt = "the kernel's C library";
  return {
      routine<"memcpy", kAnyIrql, &copy_memory>(kModule, "nf-wdm-rtlcopymemory", Coverage::full, crt),
      routine<"memmove", kAnyIrql, &copy_memory>(kModule, "nf-wdm-rtlmovememory", Coverage::full, crt),
      routine<"memset", kAnyIrql, &set_memory>(kModule, "nf-wdm-rtlfillmemory", Coverage::full, crt),
      routine<"memcmp", kAnyIrql, &compare>(kModule, "nf-wdm-rtlequalmemory", Coverage::full, crt),
      routine<"strlen", kAnyIrql, &string_length>(kModule, "run-time-library-rtl-routines", Coverage::full, crt),
      routine<"strcmp", kAnyIrql, &string_compare>(kModule, "run-time-library-rtl-routines", Coverage::full, crt),
      routine<"strncmp", kAnyIrql, &string_compare_n>(kModule, "run-time-library-rtl-routines", Coverage::full, crt),
      routine<"wcslen", kAnyIrql, &wide_length>(kModule, "run-time-library-rtl-routines", Coverage::full, crt),
      routine<"RtlFillMemory", kAnyIrql, &fill_memory>(kModule, "nf-wdm-rtlfillmemory"),
      routine<"RtlZeroMemory", kAnyIrql, &zero_memory>(kModule, "nf-wdm-rtlzeromemory"),
      routine<"RtlMoveMemory", kAnyIrql, &move_memory_rtl>(kModule, "nf-wdm-rtlmovememory"),
      routine<"RtlCopyMemory", kAnyIrql, &move_memory_rtl>(kModule, "nf-wdm-rtlcopymemory"),
      routine<"RtlCompareMemory", kAnyIrql, &compare_memory>(kModule, "nf-wdm-rtlcomparememory"),
      routine<"RtlInitUnicodeString", kDispatchLevel, &init_unicode_string>(kModule, "nf-wdm-rtlinitunicodestring"),
  };
}

}  // namespace drydock::ddi
