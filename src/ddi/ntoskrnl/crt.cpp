// ntoskrnl.exe: the part of the C library that the kernel exports.

#include <algorithm>
#include <cstring>

#include "ddi/bytes.h"
#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"
#include "ddi/raise.h"
#include "ddi/text.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr const char* kPage = "run-time-library-rtl-routines";
constexpr const char* kNote = "the kernel's C library";

// --- memory -------------------------------------------------------------------------------------------------------------

void* copy_memory(Call& call, void* to, const void* from, SIZE_T length) {
  move_bytes(call, to, from, length, "Destination", "Source");
  return to;
}
void* set_memory(Call& call, void* to, int value, SIZE_T length) {
  fill_bytes(call, to, static_cast<UCHAR>(value), length, "Destination");
  return to;
}
int compare_memory(Call& call, const void* a, const void* b, SIZE_T length) {
  const ReadableBytes first(call, a, length, "Buf1"), second(call, b, length, "Buf2");
  return first.get() == nullptr || second.get() == nullptr ? 1 : std::memcmp(first.get(), second.get(), length);
}
const void* find_in_memory(Call& call, const void* start, int value, SIZE_T length) {
  const std::byte* host = call.range(start, length, false, "Buf");
  const void* hit = host == nullptr ? nullptr : std::memchr(host, value, length);
  return hit == nullptr ? nullptr : static_cast<const std::byte*>(start) + (static_cast<const std::byte*>(hit) - host);
}

// --- texts of either width --------------------------------------------------------------------------------------------------

template <class C>
SIZE_T length_of(Call& call, const C* text) { return driver_string(call, text, kTextMax, "str").size(); }
template <class C>
SIZE_T length_up_to(Call& call, const C* text, SIZE_T most) { return driver_string(call, text, most, "str").size(); }

template <class C>
constexpr C lower(C c) { return c >= 'A' && c <= 'Z' ? static_cast<C>(c + ('a' - 'A')) : c; }
template <class C>
constexpr C upper(C c) { return c >= 'a' && c <= 'z' ? static_cast<C>(c - ('a' - 'A')) : c; }

// -1, 0 or 1; units compare as unsigned.
template <class C, C (*Fold)(C)>
int compare_folded(std::basic_string_view<C> a, std::basic_string_view<C> b) {
  using U = std::make_unsigned_t<C>;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const auto x = static_cast<U>(Fold(a[i])), y = static_cast<U>(Fold(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}
template <class C>
constexpr C same(C c) { return c; }

template <class C, C (*Fold)(C)>
int compare_up_to(Call& call, const C* a, const C* b, SIZE_T count) {
  const auto second = driver_string(call, b, count, "str2");
  // No further than needed: the first text may go on, or end its memory, where the second has ended.
  return compare_folded<C, Fold>(driver_string(call, a, std::min<SIZE_T>(count, second.size() + 1), "str1"), second);
}
template <class C, C (*Fold)(C)>
int compare(Call& call, const C* a, const C* b) { return compare_up_to<C, Fold>(call, a, b, kTextMax); }

template <class C>
void put(Call& call, C* to, std::basic_string_view<C> text, std::size_t zeroes) {
  auto* host = reinterpret_cast<C*>(call.range(to, (text.size() + zeroes) * sizeof(C), true, "Destination"));
  if (host == nullptr) return;
  if (!text.empty()) std::memmove(host, text.data(), text.size() * sizeof(C));
  std::fill_n(host + text.size(), zeroes, C{0});
}
template <class C>
C* copy(Call& call, C* to, const C* from) {
  put(call, to, driver_string(call, from, kTextMax, "Source"), 1);
  return to;
}
// The rest is filled with zeroes; there may be none.
template <class C>
C* copy_up_to(Call& call, C* to, const C* from, SIZE_T count) {
  const auto text = driver_string(call, from, count, "Source");
  put(call, to, text, count - text.size());
  return to;
}
template <class C>
C* append(Call& call, C* to, const C* from) {
  put(call, to + driver_string<C>(call, to, kTextMax, "Destination").size(), driver_string(call, from, kTextMax, "Source"), 1);
  return to;
}
template <class C>
C* append_up_to(Call& call, C* to, const C* from, SIZE_T count) {
  put(call, to + driver_string<C>(call, to, kTextMax, "Destination").size(), driver_string(call, from, count, "Source"), 1);
  return to;
}

template <class C>
const C* at(const C* text, std::size_t where) { return where == std::basic_string_view<C>::npos ? nullptr : text + where; }
template <class C, class Wanted>
const C* find_first(Call& call, const C* text, Wanted wanted) {
  const auto all = driver_string(call, text, kTextMax, "str");
  return at(text, static_cast<C>(wanted) == 0 ? all.size() : all.find(static_cast<C>(wanted)));
}
template <class C, class Wanted>
const C* find_last(Call& call, const C* text, Wanted wanted) {
  const auto all = driver_string(call, text, kTextMax, "str");
  return at(text, static_cast<C>(wanted) == 0 ? all.size() : all.rfind(static_cast<C>(wanted)));
}
template <class C>
const C* find_text(Call& call, const C* text, const C* wanted) {
  return at(text, driver_string(call, text, kTextMax, "str").find(driver_string(call, wanted, kTextMax, "strSearch")));
}

// --- characters and numbers ---------------------------------------------------------------------------------------------------

int to_lower(Call&, int c) { return c >= 0 && c < 0x80 ? lower(static_cast<char>(c)) : c; }
int to_upper(Call&, int c) { return c >= 0 && c < 0x80 ? upper(static_cast<char>(c)) : c; }

// Blanks, a sign, digits; saturates as Microsoft's does.
LONG to_long(Call& call, const char* text) {
  constexpr std::int64_t kMost = 0x7FFF'FFFF;
  constexpr std::size_t kDigitsMax = 64;
  const auto all = driver_string(call, text, kDigitsMax, "str");
  std::size_t i = std::min(all.find_first_not_of(" \t\n\v\f\r"), all.size());
  const bool negative = i < all.size() && all[i] == '-';
  if (i < all.size() && (all[i] == '-' || all[i] == '+')) ++i;
  std::int64_t value = 0;
  for (; i < all.size() && all[i] >= '0' && all[i] <= '9'; ++i) value = std::min(value * 10 + (all[i] - '0'), kMost + 1);
  return static_cast<LONG>(negative ? -value : std::min(value, kMost));
}

// --- printing into memory -------------------------------------------------------------------------------------------------------

std::string formatted(Call& call, const char* format, __builtin_ms_va_list& list) { return format_text(call, format, list); }
std::u16string formatted(Call& call, const char16_t* format, __builtin_ms_va_list& list) { return format_wide(call, format, list); }

template <class C>
int print(Call& call, C* buffer, const C* format, __builtin_ms_va_list& list) {
  const auto text = formatted(call, format, list);
  put<C>(call, buffer, text, 1);
  return static_cast<int>(text.size());
}
// A text that fills the buffer has no terminator; one that does not fit answers -1. Without a buffer: the length.
template <class C>
int print_up_to(Call& call, C* buffer, SIZE_T count, const C* format, __builtin_ms_va_list& list) {
  const auto text = formatted(call, format, list);
  if (buffer == nullptr && count == 0) return static_cast<int>(text.size());
  const std::basic_string_view<C> fits = std::basic_string_view<C>(text).substr(0, count);
  put<C>(call, buffer, fits, fits.size() < count ? 1 : 0);
  return text.size() > count ? -1 : static_cast<int>(text.size());
}

template <class C>
int print_list(Call& call, C* buffer, const C* format, char* list) {
  __builtin_ms_va_list arguments = list;
  return print(call, buffer, format, arguments);
}
template <class C>
int print_up_to_list(Call& call, C* buffer, SIZE_T count, const C* format, char* list) {
  __builtin_ms_va_list arguments = list;
  return print_up_to(call, buffer, count, format, arguments);
}

template <RoutineName Name, class C>
struct Printer {
  static MSABI int all(C* buffer, const C* format, ...) noexcept {
    Call call(Name.text, kAnyIrql, __builtin_frame_address(0));
    __builtin_ms_va_list arguments;
    __builtin_ms_va_start(arguments, format);
    const int length = print(call, buffer, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
  }
  static MSABI int up_to(C* buffer, SIZE_T count, const C* format, ...) noexcept {
    Call call(Name.text, kAnyIrql, __builtin_frame_address(0));
    __builtin_ms_va_list arguments;
    __builtin_ms_va_start(arguments, format);
    const int length = print_up_to(call, buffer, count, format, arguments);
    __builtin_ms_va_end(arguments);
    return length;
  }
};

template <RoutineName Name, auto Body>
Row library(Coverage coverage = Coverage::full, const char* note = kNote) {
  return memory_routine<Name, kAnyIrql, Body>(kModule, kPage, coverage, note);
}
template <RoutineName Name, class C>
Row printer() {
  return raw_routine(Name.text, kModule, reinterpret_cast<const void*>(&Printer<Name, C>::all), kAnyIrql, kPage, Coverage::full, kNote);
}
template <RoutineName Name, class C>
Row bounded_printer() {
  return raw_routine(Name.text, kModule, reinterpret_cast<const void*>(&Printer<Name, C>::up_to), kAnyIrql, kPage, Coverage::full, kNote);
}

}  // namespace

std::vector<Row> crt_rows() {
  using N = char;
  using W = char16_t;
  return {
      memory_routine<"memcpy", kAnyIrql, &copy_memory>(kModule, "nf-wdm-rtlcopymemory", Coverage::full, kNote),
      memory_routine<"memmove", kAnyIrql, &copy_memory>(kModule, "nf-wdm-rtlmovememory", Coverage::full, kNote),
      memory_routine<"memset", kAnyIrql, &set_memory>(kModule, "nf-wdm-rtlfillmemory", Coverage::full, kNote),
      memory_routine<"memcmp", kAnyIrql, &compare_memory>(kModule, "nf-wdm-rtlequalmemory", Coverage::full, kNote),
      library<"memchr", &find_in_memory>(),
      library<"strlen", &length_of<N>>(), library<"wcslen", &length_of<W>>(),
      library<"strnlen", &length_up_to<N>>(), library<"wcsnlen", &length_up_to<W>>(),
      library<"strcmp", &compare<N, same<N>>>(), library<"wcscmp", &compare<W, same<W>>>(),
      library<"strncmp", &compare_up_to<N, same<N>>>(), library<"wcsncmp", &compare_up_to<W, same<W>>>(),
      library<"_stricmp", &compare<N, lower<N>>>(), library<"_wcsicmp", &compare<W, lower<W>>>(),
      library<"_strnicmp", &compare_up_to<N, lower<N>>>(), library<"_wcsnicmp", &compare_up_to<W, lower<W>>>(),
      library<"strcpy", &copy<N>>(), library<"wcscpy", &copy<W>>(),
      library<"strncpy", &copy_up_to<N>>(), library<"wcsncpy", &copy_up_to<W>>(),
      library<"strcat", &append<N>>(), library<"wcscat", &append<W>>(),
      library<"strncat", &append_up_to<N>>(), library<"wcsncat", &append_up_to<W>>(),
      library<"strchr", &find_first<N, int>>(), library<"wcschr", &find_first<W, W>>(),
      library<"strrchr", &find_last<N, int>>(), library<"wcsrchr", &find_last<W, W>>(),
      library<"strstr", &find_text<N>>(), library<"wcsstr", &find_text<W>>(),
      library<"tolower", &to_lower>(), library<"toupper", &to_upper>(),
      library<"atoi", &to_long>(), library<"atol", &to_long>(),
      printer<"sprintf", N>(), printer<"swprintf", W>(),
      library<"vsprintf", &print_list<N>>(),
      bounded_printer<"_snprintf", N>(), bounded_printer<"_snwprintf", W>(),
      library<"_vsnprintf", &print_up_to_list<N>>(), library<"_vsnwprintf", &print_up_to_list<W>>(),
  };
}

}  // namespace drydock::ddi
