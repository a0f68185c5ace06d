#pragma once
// A place in driver code, as it was met: a return address or a faulting instruction, with what is needed to walk on.

#include <cstdint>

namespace drydock {

/// The registers an unwinder starts from. Zero rip: no driver code is involved.
struct CodePlace {
  std::uint64_t rip = 0;
  std::uint64_t rsp = 0;
  std::uint64_t rbp = 0;
  bool is_return_address = true;  ///< false: rip is the instruction itself (a trap)
};

}  // namespace drydock
