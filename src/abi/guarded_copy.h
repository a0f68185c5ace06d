#pragma once
// guarded_copy: copies memory named by a driver, where a bad address is an answer and not a crash. A fault inside it is
// recognised by its code range: the signal handler continues at the fix-up, and the copy returns false.

#include <cstddef>
#include <cstdint>

namespace drydock {

/// Copies `size` bytes; false when either side cannot be accessed (part of the bytes may have been copied).
extern "C" bool drydock_guarded_copy(void* to, const void* from, std::size_t size);

inline bool guarded_copy(void* to, const void* from, std::size_t size) { return drydock_guarded_copy(to, from, size); }

/// For the signal handler: where to go on when `rip` is inside guarded_copy; 0 when it is not.
std::uintptr_t guarded_copy_fixup(std::uintptr_t rip);

}  // namespace drydock
