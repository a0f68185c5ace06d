#include "base/size.h"

#include <array>
#include <cctype>
#include <charconv>

namespace drydock {
namespace {

constexpr std::string_view kUnits = "KMGT";

/// "", "K", "k", "KB" and "KiB" are units; the answer is the shift, or -1.
int shift_of(std::string_view unit) {
  if (unit.empty()) return 0;
  const auto letter = static_cast<char>(std::toupper(static_cast<unsigned char>(unit.front())));
  const auto at = kUnits.find(letter);
  if (at == std::string_view::npos) return -1;
  const auto rest = unit.substr(1);
  return rest.empty() || rest == "B" || rest == "iB" ? 10 * static_cast<int>(at + 1) : -1;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return refuse("'{}' is too large a size", text);
  const int shift = error == std::errc{} ? shift_of({end, static_cast<std::size_t>(text.data() + text.size() - end)}) : -1;
  if (shift < 0) return refuse("'{}' is not a size (examples: 4096, 64K, 256M, 1G)", text);
  if (number > (UINT64_MAX >> shift)) return refuse("'{}' is too large a size", text);
  return number << shift;
}

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array kNames = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (unit + 1 < kNames.size() && (bytes >> (10 * (unit + 1))) != 0) ++unit;
  const std::uint64_t one = std::uint64_t{1} << (10 * unit);
  if (bytes % one == 0) return fmt::format("{} {}", bytes / one, bytes == 1 ? "byte" : kNames[unit]);
  return fmt::format("{:.2f} {}", static_cast<double>(bytes) / static_cast<double>(one), kNames[unit]);
}

std::string count_text(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), 1, ' ');
  return digits;
}

}  // namespace drydock
