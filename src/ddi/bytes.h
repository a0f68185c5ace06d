#pragma once
// Moving, filling and comparing bytes that a driver names by pointers. Either side may be device registers: those are
// accessed through the map of registers, as the driver's own loads and stores would be, in the widest accesses that are
// naturally aligned. Anything that is neither memory of the driver's nor registers is a finding (Call::range).

#include <vector>

#include "ddi/call.h"

namespace drydock::ddi {

/// As memmove. The names are those of the parameters on Microsoft's page. False: nothing was moved, and why is a finding.
bool move_bytes(Call& call, void* to, const void* from, std::uint64_t count, const char* to_name, const char* from_name);
void fill_bytes(Call& call, void* to, UCHAR value, std::uint64_t count, const char* name);

/// Bytes to look at: drydock's alias of memory, or what registers read as. Null when the driver may not read there.
class ReadableBytes {
 public:
  ReadableBytes(Call& call, const void* from, std::uint64_t count, const char* name);
  const std::byte* get() const { return bytes_; }

 private:
  std::vector<std::byte> read_;
  const std::byte* bytes_;
};

}  // namespace drydock::ddi
