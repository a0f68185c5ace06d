#include "abi/image_map.h"

namespace drydock {

bool ImageMap::add(std::uintptr_t base, std::uintptr_t end, void* owner) {
  for (std::size_t i = 0; i < kImagesMax; ++i) {
    Slot& slot = slots_[i];
    if (slot.end.load(std::memory_order_relaxed) != 0) continue;
    slot.base.store(base, std::memory_order_relaxed);
    slot.owner = owner;
    slot.end.store(end, std::memory_order_release);  // from here on the slot counts
    if (i >= used_.load(std::memory_order_relaxed)) used_.store(i + 1, std::memory_order_release);
    return true;
  }
  return false;
}

void ImageMap::remove(std::uintptr_t base) {
  for (Slot& slot : slots_) {
    if (slot.end.load(std::memory_order_relaxed) != 0 && slot.base.load(std::memory_order_relaxed) == base)
      slot.end.store(0, std::memory_order_release);
  }
}

ImageMap::Range ImageMap::find(std::uintptr_t address) const {
  const Slot* slot = slot_of(address);
  if (!slot) return {};
  return {slot->base.load(std::memory_order_relaxed), slot->end.load(std::memory_order_relaxed), slot->owner};
}

}  // namespace drydock
