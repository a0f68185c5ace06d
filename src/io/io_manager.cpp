#include "io/io_manager.h"

#include <cstring>

namespace drydock {

namespace {
constexpr std::uint32_t kProcessTag = 0x636F7250;  // 'Proc'
constexpr std::size_t kProcessBytes = 0x100;       // opaque to drivers
}  // namespace

IoManager::IoManager(const IoServices& services, IoHost& host)
    : services_(services), host_(host), devices_(services_), book_(services_), builder_(services_, book_), extensions_(services.pool),
      work_items_(services_, devices_), timers_(services_), start_io_(services_, *this), interfaces_(devices_) {}

IoManager::~IoManager() {
  for (auto& [id, object] : process_objects_) (void)services_.pool.free(object);
}

void* IoManager::process_object(const ProcessContext* process) {
  void*& object = process_objects_[process_id(process)];
  if (object == nullptr) {
    object = services_.pool.allocate(kProcessBytes, PoolKind::nonpaged, kProcessTag);
    if (object != nullptr) std::memset(object, 0, kProcessBytes);
  }
  return object;
}

}  // namespace drydock
