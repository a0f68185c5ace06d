#include "ddi/ntoskrnl/format.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "ddi/varargs.h"

namespace drydock::ddi {

namespace {

constexpr std::size_t kTextMax = 4096;
constexpr int kWidthMax = 256;

struct Spec {
  bool left = false, zero = false, plus = false, alternate = false;
  int width = 0, precision = -1;
  enum class Size { half, normal, wide, longlong, pointer } size = Size::normal;
};

void pad(std::string& out, std::string text, const Spec& spec) {
  const auto width = static_cast<std::size_t>(spec.width);
  if (text.size() < width) {
    if (spec.left) text.append(width - text.size(), ' ');
    else text.insert(0, width - text.size(), spec.zero ? '0' : ' ');
  }
  out += text;
}

std::string wide_text(Call& call, const char16_t* text, std::size_t units) {
  std::string narrow;
  for (std::size_t i = 0; i < units && i < kTextMax; ++i) {
    const std::byte* at = call.range(text + i, sizeof(char16_t), false, "%ws");
    char16_t unit = 0;
    if (at == nullptr) break;
    std::memcpy(&unit, at, sizeof unit);
    if (unit == 0) break;
    narrow += unit < 0x80 ? static_cast<char>(unit) : '?';
  }
  return narrow;
}

// %wZ and %Z: a counted string, {USHORT Length; USHORT MaximumLength; T* Buffer}.
std::string counted_text(Call& call, const void* string, bool wide) {
  struct Counted {
    std::uint16_t length, maximum;
    std::uint64_t buffer;
  } counted{};
  const std::byte* at = call.range(string, sizeof counted, false, "%wZ");
  if (at == nullptr) return "(null)";
  std::memcpy(&counted, at, sizeof counted);
  if (wide) return wide_text(call, reinterpret_cast<const char16_t*>(counted.buffer), counted.length / 2u);
  return driver_text(call, reinterpret_cast<const char*>(counted.buffer), counted.length, "%Z");
}

std::uint64_t unsigned_argument(const Spec& spec, std::uint64_t slot) {
  switch (spec.size) {
    case Spec::Size::half: return static_cast<std::uint16_t>(slot);
    case Spec::Size::longlong: case Spec::Size::pointer: return slot;
    default: return static_cast<std::uint32_t>(slot);
  }
}

std::int64_t signed_argument(const Spec& spec, std::uint64_t slot) {
  switch (spec.size) {
    case Spec::Size::half: return static_cast<std::int16_t>(slot);
    case Spec::Size::longlong: case Spec::Size::pointer: return static_cast<std::int64_t>(slot);
    default: return static_cast<std::int32_t>(slot);
  }
}

const char* parse_size(const char* f, Spec& spec) {
  if (std::strncmp(f, "I64", 3) == 0) return spec.size = Spec::Size::longlong, f + 3;
  if (std::strncmp(f, "I32", 3) == 0) return f + 3;
  if (std::strncmp(f, "ll", 2) == 0) return spec.size = Spec::Size::longlong, f + 2;
  switch (*f) {
    case 'I': case 'z': case 'j': return spec.size = Spec::Size::pointer, f + 1;
    case 'l': case 'w': return spec.size = Spec::Size::wide, f + 1;
    case 'h': return spec.size = Spec::Size::half, f + (f[1] == 'h' ? 2 : 1);
    default: return f;
  }
}

const char* parse_number(const char* f, int& number, __builtin_ms_va_list& arguments) {
  if (*f == '*') {
    number = std::min(next_argument<int>(arguments), kWidthMax);
    return f + 1;
  }
  number = 0;
  for (; *f >= '0' && *f <= '9'; ++f) number = std::min(number * 10 + (*f - '0'), kWidthMax);
  return f;
}

const char* parse_spec(const char* f, Spec& spec, __builtin_ms_va_list& arguments) {
  for (;; ++f) {
    if (*f == '-') spec.left = true;
    else if (*f == '0') spec.zero = true;
    else if (*f == '+' || *f == ' ') spec.plus = *f == '+';
    else if (*f == '#') spec.alternate = true;
    else break;
  }
  f = parse_number(f, spec.width, arguments);
  if (spec.width < 0) spec.left = true, spec.width = -spec.width;
  if (*f == '.') f = parse_number(f + 1, spec.precision, arguments);
  return parse_size(f, spec);
}

std::string digits(std::uint64_t value, unsigned base, bool upper, int precision) {
  std::string text;
  do {
    const auto digit = static_cast<unsigned>(value % base);
    text += static_cast<char>(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
  } while (value /= base);
  while (static_cast<int>(text.size()) < precision) text += '0';
  std::reverse(text.begin(), text.end());
  return text;
}

std::string text_argument(Call& call, char kind, const Spec& spec, std::uint64_t slot) {
  const std::size_t most = spec.precision >= 0 ? static_cast<std::size_t>(spec.precision) : kTextMax;
  if (slot == 0) return "(null)";
  if (kind == 'Z') return counted_text(call, reinterpret_cast<const void*>(slot), spec.size == Spec::Size::wide);
  const bool wide = (kind == 's') == (spec.size == Spec::Size::wide);
  if (wide) return wide_text(call, reinterpret_cast<const char16_t*>(slot), most);
  return driver_text(call, reinterpret_cast<const char*>(slot), most, "%s");
}

std::string convert(Call& call, char kind, const Spec& spec, std::uint64_t slot) {
  switch (kind) {
    case 'd': case 'i': {
      const std::int64_t value = signed_argument(spec, slot);
      const std::string text = digits(value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), 10, false, spec.precision);
      return value < 0 ? "-" + text : spec.plus ? "+" + text : text;
    }
    case 'u': return digits(unsigned_argument(spec, slot), 10, false, spec.precision);
    case 'o': return digits(unsigned_argument(spec, slot), 8, false, spec.precision);
    case 'x': case 'X': return (spec.alternate ? "0x" : "") + digits(unsigned_argument(spec, slot), 16, kind == 'X', spec.precision);
    case 'p': case 'P': return digits(slot, 16, true, 16);
    case 'c': case 'C': return std::string(1, static_cast<char>(slot));
    case 's': case 'S': case 'Z': return text_argument(call, kind, spec, slot);
    default: return std::string("%") + kind;
  }
}

}  // namespace

std::string driver_text(Call& call, const char* text, std::size_t most, const char* what) {
  std::string copy;
  for (std::size_t i = 0; i < most && i < kTextMax; ++i) {
    const std::byte* at = call.range(text + i, 1, false, what);
    if (at == nullptr || *at == std::byte{0}) break;
    copy += static_cast<char>(*at);
  }
  return copy;
}

std::string format_text(Call& call, const char* format, __builtin_ms_va_list& arguments) {
  const std::string pattern = driver_text(call, format, kTextMax, "Format");
  std::string out;
  for (const char* f = pattern.c_str(); *f != 0 && out.size() < kTextMax; ++f) {
    if (*f != '%') {
      out += *f;
      continue;
    }
    if (*++f == '%') {
      out += '%';
      continue;
    }
    Spec spec;
    f = parse_spec(f, spec, arguments);
    if (*f == 0) break;
    pad(out, convert(call, *f, spec, next_argument<std::uint64_t>(arguments)), spec);
  }
  out.resize(std::min(out.size(), kTextMax));
  return out;
}

}  // namespace drydock::ddi
