#include "devices/backing/open_store.h"

#include <string>

#include "base/size.h"
#include "devices/backing/file_store.h"
#include "devices/backing/memory_store.h"
#include "devices/backing/null_store.h"

namespace drydock {

namespace {

constexpr std::string_view kMemory = "mem:", kNull = "null", kNullSized = "null:";
constexpr std::uint64_t kNullSize = 1u << 30;

}  // namespace

bool is_file(std::string_view spec) { return !spec.starts_with(kMemory) && spec != kNull && !spec.starts_with(kNullSized); }

Result<std::unique_ptr<BlockStore>> open_store(std::string_view spec, bool read_only, FileSeam& seam) {
  if (spec.empty()) return refuse("no disk named: FILE, mem:SIZE or null");
  if (spec.starts_with(kMemory)) {
    TRY(const std::uint64_t size, parse_size(spec.substr(kMemory.size())));
    return MemoryStore::create(size, read_only);
  }
  if (spec == kNull) return std::make_unique<NullStore>(kNullSize, read_only);
  if (spec.starts_with(kNullSized)) {
    TRY(const std::uint64_t size, parse_size(spec.substr(kNullSized.size())));
    if (size == 0 || size % kSectorSize != 0) return refuse("{}: the size must be a multiple of {}", spec, kSectorSize);
    return std::make_unique<NullStore>(size, read_only);
  }
  return FileStore::open(std::string(spec), read_only, seam);
}

}  // namespace drydock
