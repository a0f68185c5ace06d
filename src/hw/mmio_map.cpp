#include "hw/mmio_map.h"

#include <algorithm>

#include "abi/memcheck.h"

namespace drydock {

std::uint64_t MmioMap::map(PciFunction& function, unsigned bar, std::uint32_t offset, std::uint32_t length) {
  const std::uint64_t address = next_ + (offset & kPageMask);
  next_ += (pages_spanned(offset, length) + 1) << kPageShift;  // a page between two mappings belongs to nobody
  mappings_.push_back({address, length, &function, bar, offset});
  memcheck::traps_on_purpose(address, length);
  return address;
}

bool MmioMap::unmap(std::uint64_t address) {
  return std::erase_if(mappings_, [&](const Mapping& m) { return m.address == address; }) != 0;
}

}  // namespace drydock
