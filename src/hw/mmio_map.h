#pragma once
// MmioMap: where drivers find device registers in their address space. An address handed out here is never accessible:
// a driver's own load or store traps and is completed through the map, a register routine goes through it directly.

#include <cstdint>
#include <optional>
#include <vector>

#include "hw/pci.h"
#include "mem/layout.h"

namespace drydock {

class MmioMap {
 public:
  explicit MmioMap(std::uint64_t slot) : base_(slot + kMmioArena), next_(base_) {}

  struct Hit {
    PciFunction* function;
    unsigned bar;
    std::uint32_t offset;
  };
  /// Gives `length` bytes of a BAR from `offset` on an address, with the byte offset in the page preserved.
  std::uint64_t map(PciFunction& function, unsigned bar, std::uint32_t offset, std::uint32_t length);
  bool unmap(std::uint64_t address);
  std::optional<Hit> find(std::uint64_t address) const {
    if (address - base_ >= kArenaSize) return std::nullopt;
    for (const Mapping& m : mappings_)
      if (address - m.address < m.length) return Hit{m.function, m.bar, m.offset + static_cast<std::uint32_t>(address - m.address)};
    return std::nullopt;
  }
  bool in_arena(std::uint64_t address) const { return address - base_ < kArenaSize; }
  std::size_t count() const { return mappings_.size(); }

 private:
  struct Mapping {
    std::uint64_t address;
    std::uint32_t length;
    PciFunction* function;
    unsigned bar;
    std::uint32_t offset;
  };
  std::uint64_t base_, next_;
  std::vector<Mapping> mappings_;
};

}  // namespace drydock
