#include "io/driver_extensions.h"

#include <cstring>

namespace drydock {

namespace {
constexpr std::uint32_t kTag = 0x65767244;  // 'Drve'
}

DriverExtensions::~DriverExtensions() {
  for (auto& [key, memory] : extensions_) (void)pool_.free(memory);
}

NTSTATUS DriverExtensions::allocate(const DRIVER_OBJECT* driver, const void* id, std::uint32_t bytes, void** extension) {
  *extension = nullptr;
  if (extensions_.contains({driver, id})) return STATUS_OBJECT_NAME_COLLISION;
  void* memory = pool_.allocate(bytes, PoolKind::nonpaged, kTag);
  if (memory == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  std::memset(memory, 0, bytes);
  extensions_[{driver, id}] = memory;
  *extension = memory;
  return STATUS_SUCCESS;
}

void* DriverExtensions::find(const DRIVER_OBJECT* driver, const void* id) const {
  const auto found = extensions_.find({driver, id});
  return found == extensions_.end() ? nullptr : found->second;
}

void DriverExtensions::driver_is_gone(const DRIVER_OBJECT* driver) {
  std::erase_if(extensions_, [&](const auto& entry) {
    if (entry.first.first != driver) return false;
    (void)pool_.free(entry.second);
    return true;
  });
}

}  // namespace drydock
