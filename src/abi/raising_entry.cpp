#include "abi/raising_entry.h"

#include <atomic>

#include "base/check.h"

extern "C" {
void drydock_raising_stubs();
__attribute__((visibility("hidden"))) const void* drydock_raising_targets[drydock::kRaisingEntriesMax];
}

namespace drydock {

const void* raising_entry(const void* target) {
  constexpr std::size_t kStubSize = 16;
  static std::atomic<std::size_t> given{0};
  const std::size_t index = given.fetch_add(1);
  CHECK(index < kRaisingEntriesMax, "more than {} routines may raise", kRaisingEntriesMax);
  drydock_raising_targets[index] = target;
  return reinterpret_cast<const std::byte*>(&drydock_raising_stubs) + index * kStubSize;
}

}  // namespace drydock
