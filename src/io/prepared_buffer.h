#pragma once
// PreparedBuffer: a caller's buffer made ready for drivers. Direct I/O: an MDL over the caller's pages, locked for as long
// as the request lives. DOC: BUF-40 BUF-41 BUF-47. Reused from request to request; move-only.

#include <cstdint>

#include "mem/mdl_view.h"
#include "mem/physical_memory.h"
#include "mem/pool.h"

namespace drydock {

class PreparedBuffer {
 public:
  /// Room for MDLs of buffers up to `length_max` bytes.
  PreparedBuffer(PhysicalMemory& memory, LockedPages& ledger, SystemMappings& mappings, Pool& pool,
                 std::uint32_t length_max);
  ~PreparedBuffer();
  PreparedBuffer(const PreparedBuffer&) = delete;
  PreparedBuffer& operator=(const PreparedBuffer&) = delete;

  /// `address`: in the user view (a client's buffer) or the system view (one of ours). `device_writes`: the device will
  /// fill it (a read). The range must lie in memory.
  void prepare(std::uint64_t address, std::uint32_t length, bool device_writes);
  /// Unlocks; the MDL is void.
  void finish();

  MDL* mdl() const { return mdl_; }
  std::uint64_t address() const { return address_; }
  std::uint32_t length() const { return length_; }

 private:
  PhysicalMemory& memory_;
  LockedPages& ledger_;
  SystemMappings& mappings_;
  Pool& pool_;
  MDL* mdl_;
  std::uint32_t length_max_;
  std::uint64_t address_ = 0;
  std::uint32_t length_ = 0;
  bool prepared_ = false;
};

}  // namespace drydock
