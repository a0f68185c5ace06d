#include "hw/bus.h"

#include <algorithm>

#include "base/check.h"

namespace drydock {

namespace {
constexpr std::uint8_t kFirstLine = 16;  // above the 16 lines of the ISA bus
constexpr std::uint8_t kLines = 8;
}  // namespace

std::uint64_t Bus::take_address(const PciBar& bar) {
  std::uint64_t& next = !bar.memory ? next_port_ : bar.is_64bit ? next_high_ : next_memory_;
  // A page at least, so that no two functions share one.
  const std::uint64_t unit = bar.memory ? std::max<std::uint64_t>(bar.size, kPageSize) : bar.size;
  const std::uint64_t address = (next + unit - 1) & ~(unit - 1);
  next = address + unit;
  CHECK(bar.memory ? bar.is_64bit || next <= kMemoryHoleEnd : next <= kPortsEnd, "the bus has no addresses left");
  return address;
}

void Bus::plug(unsigned slot, PciFunction& function) {
  CHECK(slot < kSlots && functions_[slot] == nullptr, "slot {} is not free", slot);
  functions_[slot] = &function;
  for (unsigned i = 0; i < PciFunction::kBars; ++i)
    if (function.bar(i).size != 0) function.place_bar(i, take_address(function.bar(i)));
  function.power_on(static_cast<std::uint8_t>(kFirstLine + slot % kLines));
}

std::uint32_t Bus::read_config(unsigned slot, std::uint32_t offset, unsigned size) {
  PciFunction* target = function(slot);
  if (target == nullptr) return size == 4 ? ~0u : (1u << (8 * size)) - 1;
  return target->read_config(offset, size);
}

void Bus::write_config(unsigned slot, std::uint32_t offset, unsigned size, std::uint32_t value) {
  if (PciFunction* target = function(slot)) target->write_config(offset, size, value);
}

std::optional<Bus::Hit> Bus::find(std::uint64_t address, bool memory) const {
  for (PciFunction* candidate : functions_) {
    if (candidate == nullptr) continue;
    for (unsigned i = 0; i < PciFunction::kBars; ++i) {
      const PciBar& bar = candidate->bar(i);
      if (bar.memory == memory && address - bar.address < bar.size && candidate->decodes(i))
        return Hit{candidate, i, static_cast<std::uint32_t>(address - bar.address)};
    }
  }
  return std::nullopt;
}

}  // namespace drydock
