#pragma once
// ImageMap: which addresses are code or data of a loaded driver image. The signal handlers ask it for every fault, so
// reading is async-signal-safe: a handler that interrupts add() or remove() sees the map before or after, never between.
// One thread at a time changes it (the one that drives the machine).

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace drydock {

inline constexpr std::size_t kImagesMax = 64;

class ImageMap {
 public:
  struct Range {
    std::uintptr_t base = 0;
    std::uintptr_t end = 0;
    void* owner = nullptr;
  };

  /// False when kImagesMax images are loaded already.
  [[nodiscard]] bool add(std::uintptr_t base, std::uintptr_t end, void* owner);
  void remove(std::uintptr_t base);

  bool contains(std::uintptr_t address) const { return slot_of(address) != nullptr; }
  /// The image at `address`; a Range with end 0 when there is none.
  Range find(std::uintptr_t address) const;

 private:
  struct Slot {
    std::atomic<std::uintptr_t> base{0};
    std::atomic<std::uintptr_t> end{0};  // 0: free
    void* owner = nullptr;
  };
  const Slot* slot_of(std::uintptr_t address) const {
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) {
      const std::uintptr_t end = slots_[i].end.load(std::memory_order_acquire);
      if (address < end && address >= slots_[i].base.load(std::memory_order_relaxed)) return &slots_[i];
    }
    return nullptr;
  }

  std::array<Slot, kImagesMax> slots_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace drydock
