#include "ddi/ntoskrnl/format.h"

#include <algorithm>
#include <cstring>

#include "ddi/text.h"
#include "ddi/varargs.h"

namespace drydock::ddi {

namespace {

using Text = std::u16string;
constexpr int kWidthMax = 4096;

struct Spec {
  bool left = false, zero = false, plus = false, space = false, alternate = false;
  int width = 0, precision = -1;
  enum class Size { narrow, half, normal, wide, longlong, pointer } size = Size::normal;
  char16_t kind = 0;
};

struct Formatter {
  Call& call;
  bool wide;  // what %s and %c mean
  __builtin_ms_va_list& arguments;
};

// --- reading a conversion ---------------------------------------------------------------------------------------------------

bool take(const char16_t*& f, std::u16string_view what) {
  for (std::size_t i = 0; i < what.size(); ++i)
    if (f[i] != what[i]) return false;  // stops at the terminator
  f += what.size();
  return true;
}

void parse_size(const char16_t*& f, Spec& spec) {
  using Size = Spec::Size;
  if (take(f, u"I64") || take(f, u"ll")) spec.size = Size::longlong;
  else if (take(f, u"I32")) spec.size = Size::normal;
  else if (take(f, u"I") || take(f, u"z") || take(f, u"j") || take(f, u"t")) spec.size = Size::pointer;
  else if (take(f, u"l") || take(f, u"w")) spec.size = Size::wide;
  else if (take(f, u"hh")) spec.size = Size::narrow;
  else if (take(f, u"h")) spec.size = Size::half;
}

int parse_number(const char16_t*& f, __builtin_ms_va_list& arguments) {
  if (take(f, u"*")) return std::clamp(next_argument<int>(arguments), -kWidthMax, kWidthMax);
  int number = 0;
  for (; *f >= u'0' && *f <= u'9'; ++f) number = std::min(number * 10 + (*f - u'0'), kWidthMax);
  return number;
}

void parse_flags(const char16_t*& f, Spec& spec) {
  for (;; ++f) {
    if (*f == u'-') spec.left = true;
    else if (*f == u'0') spec.zero = true;
    else if (*f == u'+') spec.plus = true;
    else if (*f == u' ') spec.space = true;
    else if (*f == u'#') spec.alternate = true;
    else return;
  }
}

Spec parse_spec(const char16_t*& f, __builtin_ms_va_list& arguments) {
  Spec spec;
  parse_flags(f, spec);
  spec.width = parse_number(f, arguments);
  if (spec.width < 0) spec.left = true, spec.width = -spec.width;
  if (take(f, u".")) spec.precision = std::max(-1, parse_number(f, arguments));
  parse_size(f, spec);
  spec.kind = *f;
  return spec;
}

// --- numbers ------------------------------------------------------------------------------------------------------------------

std::uint64_t unsigned_argument(const Spec& spec, std::uint64_t slot) {
  switch (spec.size) {
    case Spec::Size::narrow: return static_cast<std::uint8_t>(slot);
    case Spec::Size::half: return static_cast<std::uint16_t>(slot);
    case Spec::Size::longlong: case Spec::Size::pointer: return slot;
    default: return static_cast<std::uint32_t>(slot);
  }
}

std::int64_t signed_argument(const Spec& spec, std::uint64_t slot) {
  switch (spec.size) {
    case Spec::Size::narrow: return static_cast<std::int8_t>(slot);
    case Spec::Size::half: return static_cast<std::int16_t>(slot);
    case Spec::Size::longlong: case Spec::Size::pointer: return static_cast<std::int64_t>(slot);
    default: return static_cast<std::int32_t>(slot);
  }
}

Text digits(std::uint64_t value, unsigned base, bool upper, int precision) {
  Text text;
  for (; value != 0; value /= base) {
    const auto digit = static_cast<unsigned>(value % base);
    text += static_cast<char16_t>(digit < 10 ? u'0' + digit : (upper ? u'A' : u'a') + digit - 10);
  }
  while (static_cast<int>(text.size()) < precision) text += u'0';
  std::reverse(text.begin(), text.end());
  return text;
}

Text padded(const Text& sign, const Text& text, const Spec& spec, bool zeroes) {
  const std::size_t length = sign.size() + text.size(), width = static_cast<std::size_t>(spec.width);
  const std::size_t missing = width > length ? width - length : 0;
  if (spec.left) return sign + text + Text(missing, u' ');
  return zeroes ? sign + Text(missing, u'0') + text : Text(missing, u' ') + sign + text;
}

// A precision makes the 0 flag mean nothing.
Text number(const Text& sign, std::uint64_t value, unsigned base, const Spec& spec) {
  return padded(sign, digits(value, base, spec.kind == u'X', spec.precision < 0 ? 1 : spec.precision), spec,
                spec.zero && spec.precision < 0);
}

Text signed_number(const Spec& spec, std::uint64_t slot) {
  const std::int64_t value = signed_argument(spec, slot);
  const auto magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  return number(value < 0 ? u"-" : spec.plus ? u"+" : spec.space ? u" " : u"", magnitude, 10, spec);
}

Text hexadecimal(const Spec& spec, std::uint64_t slot) {
  const std::uint64_t value = unsigned_argument(spec, slot);
  const bool prefixed = spec.alternate && value != 0;
  return number(!prefixed ? u"" : spec.kind == u'X' ? u"0X" : u"0x", value, 16, spec);
}

// --- texts -----------------------------------------------------------------------------------------------------------------------

Text text_at(Call& call, std::uint64_t address, bool wide, std::size_t most, const char* what) {
  if (wide) return Text(driver_string(call, reinterpret_cast<const char16_t*>(address), most, what));
  return widened(driver_string(call, reinterpret_cast<const char*>(address), most, what));
}

// %wZ and %Z: a counted string, {USHORT Length; USHORT MaximumLength; T* Buffer}.
Text counted_text(Call& call, std::uint64_t address, bool wide) {
  struct Counted {
    std::uint16_t length, maximum;
    std::uint64_t buffer;
  } counted{};
  const std::byte* at = call.range(reinterpret_cast<const void*>(address), sizeof counted, false, wide ? "%wZ" : "%Z");
  if (at == nullptr) return u"(null)";
  std::memcpy(&counted, at, sizeof counted);
  if (counted.buffer == 0) return u"(null)";
  return text_at(call, counted.buffer, wide, wide ? counted.length / 2u : counted.length, wide ? "%wZ" : "%Z");
}

bool means_wide(const Formatter& formatter, const Spec& spec) {
  if (spec.size == Spec::Size::wide) return true;
  if (spec.size == Spec::Size::half) return false;
  const bool capital = spec.kind == u'S' || spec.kind == u'C';
  return formatter.wide != capital;
}

Text text_argument(const Formatter& formatter, const Spec& spec, std::uint64_t slot) {
  if (slot == 0) return u"(null)";
  if (spec.kind == u'Z') return counted_text(formatter.call, slot, spec.size == Spec::Size::wide);
  const std::size_t most = spec.precision >= 0 ? static_cast<std::size_t>(spec.precision) : kFormattedMax;
  return text_at(formatter.call, slot, means_wide(formatter, spec), most, "%s");
}

Text convert(const Formatter& formatter, const Spec& spec, std::uint64_t slot) {
  switch (spec.kind) {
    case u'd': case u'i': return signed_number(spec, slot);
    case u'u': return number(u"", unsigned_argument(spec, slot), 10, spec);
    case u'o': return number(spec.alternate ? u"0" : u"", unsigned_argument(spec, slot), 8, spec);
    case u'x': case u'X': return hexadecimal(spec, slot);
    case u'p': case u'P': return padded(u"", digits(slot, 16, true, 16), spec, false);
    case u'c': case u'C':
      return padded(u"", Text(1, static_cast<char16_t>(means_wide(formatter, spec) ? slot & 0xFFFF : slot & 0xFF)), spec, false);
    case u's': case u'S': case u'Z': return padded(u"", text_argument(formatter, spec, slot), spec, false);
    default: return Text{u'%', spec.kind};  // not a conversion of the kernel's, %f among them
  }
}

Text format_all(const Formatter& formatter, const Text& pattern) {
  Text out;
  for (const char16_t* f = pattern.c_str(); *f != 0 && out.size() < kFormattedMax; ++f) {
    if (*f != u'%' || *++f == u'%') {
      out += *f;
      continue;
    }
    const Spec spec = parse_spec(f, formatter.arguments);
    if (spec.kind == 0) break;
    out += convert(formatter, spec, next_argument<std::uint64_t>(formatter.arguments));
  }
  out.resize(std::min(out.size(), kFormattedMax));
  return out;
}

}  // namespace

std::u16string widened(std::string_view text) {
  std::u16string wide;
  wide.reserve(text.size());
  for (const char c : text) wide += static_cast<unsigned char>(c);
  return wide;
}

std::string narrowed(std::u16string_view text) {
  std::string narrow;
  narrow.reserve(text.size());
  for (const char16_t unit : text) narrow += unit <= 0xFF ? static_cast<char>(unit) : '?';
  return narrow;
}

std::string driver_text(Call& call, const char* text, std::size_t most, const char* what) {
  return std::string(driver_string(call, text, most, what));
}

std::string format_text(Call& call, const char* format, __builtin_ms_va_list& arguments) {
  return narrowed(format_all({call, false, arguments}, widened(driver_string(call, format, kFormattedMax, "Format"))));
}

std::u16string format_wide(Call& call, const char16_t* format, __builtin_ms_va_list& arguments) {
  return format_all({call, true, arguments}, Text(driver_string(call, format, kFormattedMax, "Format")));
}

}  // namespace drydock::ddi
