#pragma once
// What a trapped access is completed against. A TrapRegions finds the region an address belongs to; its MemoryPort reads
// and writes there, in place of the processor, one access of the instruction at a time.

#include <cstdint>

namespace drydock {

struct MemoryPort {
  virtual ~MemoryPort() = default;
  /// size: 1, 2, 4, 8 or 16; `address` is the one the driver used. Ordinary code: may switch fibers or abort the call.
  virtual void read(std::uint64_t address, void* to, unsigned size) = 0;
  virtual void write(std::uint64_t address, const void* from, unsigned size) = 0;
};

enum class RegionKind : std::uint8_t {
  none,       // no region: plain memory, or nobody's
  mmio,       // registers of a device
  forbidden,  // a buffer the driver was not given a mapping of
  dead,       // a structure whose life has ended
  kuser,      // KUSER_SHARED_DATA
  guard,      // a guard area around an object: an access is wild
  user        // a page of a process that is current
};

struct Region {
  RegionKind kind = RegionKind::none;
  std::uint64_t base = 0;
  std::uint64_t end = 0;
  MemoryPort* port = nullptr;  // null: accesses are wild
  bool writable = true;        // false: writes are wild
};

struct TrapRegions {
  virtual ~TrapRegions() = default;
  virtual Region find(std::uint64_t address) = 0;
};

}  // namespace drydock
