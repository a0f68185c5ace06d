#pragma once
// Irp: a view over the WDK's IRP, which is the only storage of what it says. Its stack locations follow it in memory:
// number 1 belongs to the lowest driver, number StackCount to the highest; "current" is the one of the driver that has
// the IRP, StackCount + 1 while it is with whoever made it.

#include <cstddef>
#include <cstdint>

#include "abi/wdk.h"

namespace drydock {

class Irp {
 public:
  static constexpr CSHORT kType = 6;        ///< IO_TYPE_IRP
  static constexpr int kStackMax = 100;     ///< more locations than any stack has; IRP.StackCount is a CHAR

  Irp() = default;
  explicit Irp(IRP* irp) : irp_(irp) {}
  explicit operator bool() const { return irp_ != nullptr; }
  IRP* raw() const { return irp_; }
  IRP* operator->() const { return irp_; }

  static constexpr std::size_t size_of(int stack_count) {
    return sizeof(IRP) + static_cast<std::size_t>(stack_count) * sizeof(IO_STACK_LOCATION);
  }
  /// Zeroes and fills in what every new IRP has.
  static Irp format(void* storage, std::size_t bytes, int stack_count);

  IO_STACK_LOCATION& location(int number) const { return reinterpret_cast<IO_STACK_LOCATION*>(irp_ + 1)[number - 1]; }
  IO_STACK_LOCATION& current() const { return *irp_->Tail.Overlay.CurrentStackLocation; }
  /// The one the driver below will see.
  IO_STACK_LOCATION& next() const { return *(irp_->Tail.Overlay.CurrentStackLocation - 1); }
  int current_number() const { return irp_->CurrentLocation; }
  int stack_count() const { return irp_->StackCount; }
  /// Is it with whoever made it, below no driver?
  bool with_its_maker() const { return irp_->CurrentLocation > irp_->StackCount; }
  bool has_location_below() const { return irp_->CurrentLocation > 1; }
  void go_down() const { --irp_->CurrentLocation, --irp_->Tail.Overlay.CurrentStackLocation; }
  void go_up() const { ++irp_->CurrentLocation, ++irp_->Tail.Overlay.CurrentStackLocation; }
  /// Does the pointer to the current location agree with its number? A driver may have copied or trashed it.
  bool consistent() const {
    return irp_->CurrentLocation >= 0 && irp_->CurrentLocation <= irp_->StackCount + 1 &&
           irp_->Tail.Overlay.CurrentStackLocation == &location(irp_->CurrentLocation);
  }

 private:
  IRP* irp_ = nullptr;
};

}  // namespace drydock
