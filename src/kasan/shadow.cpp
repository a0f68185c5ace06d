#include "kasan/shadow.h"

#include <sys/mman.h>

#include <cstring>

#include "base/check.h"

namespace drydock {

Shadow::Shadow(const PhysicalMemory& memory) : base_(memory.address(View::lent, 0)), size_(memory.size()) {
  void* area = mmap(nullptr, size_ / kGranule, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(area != MAP_FAILED, "no memory for the shadow of {} bytes", size_);
  bytes_ = static_cast<std::uint8_t*>(area);
}

Shadow::~Shadow() { munmap(bytes_, size_ / kGranule); }

/// Objects begin on multiples of eight; where one ends inside a granule, nothing else begins there.
void Shadow::valid(std::uint64_t offset, std::uint64_t bytes) {
  CHECK(offset % kGranule == 0, "an object at {:#x}", offset);
  std::memset(bytes_ + offset / kGranule, 0, bytes / kGranule);
  if (bytes % kGranule != 0) bytes_[(offset + bytes) / kGranule] = static_cast<std::uint8_t>(bytes % kGranule);
}

void Shadow::invalid(std::uint64_t offset, std::uint64_t bytes) {
  CHECK(offset % kGranule == 0, "no object at {:#x}", offset);
  std::memset(bytes_ + offset / kGranule, kNone, (bytes + kGranule - 1) / kGranule);
}

}  // namespace drydock
