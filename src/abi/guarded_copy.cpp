#include "abi/guarded_copy.h"

extern "C" {
extern const char drydock_guarded_copy_end[];
extern const char drydock_guarded_copy_fixup[];
}

namespace drydock {

std::uintptr_t guarded_copy_fixup(std::uintptr_t rip) {
  const auto begin = reinterpret_cast<std::uintptr_t>(&drydock_guarded_copy);
  const auto end = reinterpret_cast<std::uintptr_t>(drydock_guarded_copy_end);
  return rip >= begin && rip < end ? reinterpret_cast<std::uintptr_t>(drydock_guarded_copy_fixup) : 0;
}

}  // namespace drydock
