#pragma once
// OperandMemory: memory as an emulated instruction sees it: regions through their ports, everything else as it is. An
// access that nothing stands behind is an answer (false), never a fault.

#include <cstdint>

#include "trap/memory_port.h"

namespace drydock {

class OperandMemory {
 public:
  explicit OperandMemory(TrapRegions& regions) : regions_(regions) {}

  bool read(std::uint64_t address, void* to, unsigned size) {
    return access(address, static_cast<std::uint8_t*>(to), size, Direction::read);
  }
  bool write(std::uint64_t address, const void* from, unsigned size) {
    return access(address, static_cast<std::uint8_t*>(const_cast<void*>(from)), size, Direction::write);
  }

  /// The first address that nothing stands behind, after a false.
  std::uint64_t refused_at() const { return refused_at_; }
  bool refused_a_write() const { return refused_a_write_; }

 private:
  enum class Direction : std::uint8_t { read, write };
  bool access(std::uint64_t address, std::uint8_t* bytes, unsigned size, Direction direction);
  bool refuse_access(std::uint64_t address, Direction direction);
  bool plain_access(std::uint64_t address, std::uint8_t* bytes, unsigned size, Direction direction);

  TrapRegions& regions_;
  std::uint64_t refused_at_ = 0;
  bool refused_a_write_ = false;
};

}  // namespace drydock
