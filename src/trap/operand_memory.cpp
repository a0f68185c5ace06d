#include "trap/operand_memory.h"

#include "abi/guarded_copy.h"

namespace drydock {

/// In one piece when it can be; an access across the edge of a region goes byte by byte.
bool OperandMemory::access(std::uint64_t address, std::uint8_t* bytes, unsigned size, Direction direction) {
  const Region region = regions_.find(address);
  if (region.port && !region.writable && direction == Direction::write) return refuse_access(address, direction);
  if (region.port && size <= region.end - address) {
    direction == Direction::read ? region.port->read(address, bytes, size) : region.port->write(address, bytes, size);
    return true;
  }
  const bool all_plain = region.kind == RegionKind::none && regions_.find(address + size - 1).kind == RegionKind::none;
  if (all_plain) return plain_access(address, bytes, size, direction);
  if (size == 1) return refuse_access(address, direction);  // a region with nothing behind it
  for (unsigned i = 0; i < size; ++i)
    if (!access(address + i, bytes + i, 1, direction)) return false;
  return true;
}

bool OperandMemory::plain_access(std::uint64_t address, std::uint8_t* bytes, unsigned size, Direction direction) {
  auto* memory = reinterpret_cast<void*>(address);
  const bool done = direction == Direction::read ? guarded_copy(bytes, memory, size) : guarded_copy(memory, bytes, size);
  return done || refuse_access(address, direction);
}

bool OperandMemory::refuse_access(std::uint64_t address, Direction direction) {
  refused_at_ = address;
  refused_a_write_ = direction == Direction::write;
  return false;
}

}  // namespace drydock
