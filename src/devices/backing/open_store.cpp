#include "devices/backing/open_store.h"

#include <charconv>
#include <string>

#include "base/checked.h"
#include "devices/backing/file_store.h"
#include "devices/backing/memory_store.h"
#include "devices/backing/null_store.h"

namespace drydock {

namespace {

constexpr std::string_view kMemory = "mem:", kNull = "null", kNullSized = "null:";
constexpr std::uint64_t kNullSize = 1u << 30;

Result<unsigned> shift_of(std::string_view suffix, std::string_view text) {
  if (suffix.empty()) return 0u;
  const auto at = std::string_view("KMGT").find(suffix.front() >= 'a' ? static_cast<char>(suffix.front() - 32) : suffix.front());
  if (suffix.size() != 1 || at == std::string_view::npos)
    return refuse("'{}' is not a size: a number of bytes, or one with K, M, G or T", text);
  return static_cast<unsigned>(10 * (at + 1));
}

}  // namespace

Result<std::uint64_t> parse_store_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return refuse("'{}' is too large a size", text);
  if (error != std::errc{}) return refuse("'{}' is not a size: a number of bytes, or one with K, M, G or T", text);
  TRY(const unsigned shift, shift_of(text.substr(static_cast<std::size_t>(end - text.data())), text));
  const auto bytes = checked_mul(number, std::uint64_t{1} << shift);
  if (!bytes) return refuse("'{}' is too large a size", text);
  return *bytes;
}

Result<std::unique_ptr<BlockStore>> open_store(std::string_view spec, bool read_only, FileSeam& seam) {
  if (spec.empty()) return refuse("no disk named: FILE, mem:SIZE or null");
  if (spec.starts_with(kMemory)) {
    TRY(const std::uint64_t size, parse_store_size(spec.substr(kMemory.size())));
    return MemoryStore::create(size, read_only);
  }
  if (spec == kNull) return std::make_unique<NullStore>(kNullSize, read_only);
  if (spec.starts_with(kNullSized)) {
    TRY(const std::uint64_t size, parse_store_size(spec.substr(kNullSized.size())));
    if (size == 0 || size % kSectorSize != 0) return refuse("{}: the size must be a multiple of {}", spec, kSectorSize);
    return std::make_unique<NullStore>(size, read_only);
  }
  return FileStore::open(std::string(spec), read_only, seam);
}

}  // namespace drydock
