#pragma once
// Call: one call of an export by the driver. First object of every export: it counts the driver's stack, passes a
// preemption point on the way in and on the way out, checks the IRQL, and knows where the driver called from.

#include <optional>
#include <type_traits>

#include "ddi/kernel.h"
#include "sched/guard.h"

namespace drydock::ddi {

inline constexpr Irql kAnyIrql = kHighLevel;

class Call {
 public:
  [[gnu::always_inline]] Call(const char* name, Irql irql_max, const void* frame)
      : name_(name), frame_(static_cast<const std::uint64_t*>(frame)), kernel_(current_kernel()),
        crossing_(*kernel_.current_fiber, reinterpret_cast<std::uintptr_t>(frame) + 16) {
    kernel_.scheduler->point(PointCost::routine);
    if (kernel_.watched()) [[unlikely]] note_entry(irql_max);
  }
  [[gnu::always_inline]] ~Call() { kernel_.scheduler->point(PointCost::routine); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// One export that stands for many: from here on the call is the routine `name`.
  void becomes(const char* name, Irql irql_max) {
    name_ = name;
    if (kernel_.watched()) [[unlikely]] note_entry(irql_max);
  }

  const char* name() const { return name_; }
  Kernel& kernel() const { return kernel_; }
  storport::Services& services() const { return kernel_.services(); }
  Scheduler& scheduler() const { return *kernel_.scheduler; }
  PhysicalMemory& memory() const { return services().memory; }
  /// Where in the driver this call is.
  CallSite site() const { return CallSite(frame_); }
  CodePlace place() const { return site(); }

  void broken(std::string_view rule, std::string_view code, std::string message) const {
    services().trace.emit(RuleBroken{rule, code, std::move(message), place()});
  }

  /// The adapter of a device extension; null (and a finding) when the pointer is none.
  storport::Adapter* adapter(const void* device_extension) const {
    storport::Adapter* found = kernel_.adapter_of(device_extension);
    if (found == nullptr) [[unlikely]] no_adapter();
    return found;
  }

  /// drydock's alias of driver memory named by an argument: machine memory in any view, a system mapping, or the
  /// driver's own image or stack. Null (and a finding that names `what`) when [pointer, +size) is not that; never null
  /// for a size of 0. Forbidden and dead memory is a finding too, but is given: the call completes through the alias.
  std::byte* range(const void* pointer, std::uint64_t size, bool write, const char* what) const {
    const auto address = reinterpret_cast<std::uint64_t>(pointer);
    const Fiber& fiber = *kernel_.current_fiber;
    if (fiber.owns_stack(address) && size <= fiber.stack_top() - address) [[likely]]  // the commonest: a local of the caller
      return const_cast<std::byte*>(static_cast<const std::byte*>(pointer));
    return range_in_memory(pointer, size, write, what);
  }
  /// A const object is one that is only read: it may lie where the driver cannot write.
  template <class T>
  T* object(T* pointer, const char* what) const {
    const auto address = reinterpret_cast<std::uint64_t>(pointer);
    const Fiber& fiber = *kernel_.current_fiber;
    if (fiber.owns_stack(address) && sizeof(T) <= fiber.stack_top() - address) [[likely]]
      return pointer;
    return reinterpret_cast<T*>(object_in_memory(pointer, sizeof(T), !std::is_const_v<T>, what));
  }
  /// Of a byte of machine memory, in any view or system mapping; none for anything else, the driver's image included.
  std::optional<PhysicalAddress> physical(const void* pointer) const;

 private:
  [[gnu::noinline]] MSABI std::byte* object_in_memory(const void* pointer, std::uint64_t size, bool write, const char* what) const noexcept;
  [[gnu::noinline]] MSABI std::byte* range_in_memory(const void* pointer, std::uint64_t size, bool write, const char* what) const noexcept;
  /// Once it has been seen that the routine cannot touch it. Null.
  std::byte* refuse_user_range(std::uint64_t address, bool write, const char* what) const;
  bool admit(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write) const;
  [[gnu::cold]] std::byte* refuse_range(bool write, const char* what) const;
  std::byte* mapped_user_range(std::uint64_t address, std::uint64_t size, bool write, const char* what) const;
  std::byte* bad_mapping_range(std::uint64_t address, std::uint64_t size, bool write, const char* what) const;
  std::byte* other_range(const void* pointer, std::uint64_t size, bool write, const char* what) const;
  [[gnu::cold]] MSABI void no_adapter() const noexcept;
  [[gnu::noinline]] MSABI void note_entry(Irql irql_max) const noexcept;
  [[gnu::cold]] void tell_irql(Irql irql, Irql irql_max) const;
  void note_touch(std::uint64_t address, std::uint64_t size, PhysicalMemory::Place found, bool write) const;
  const char* name_;
  const std::uint64_t* frame_;
  Kernel& kernel_;
  DriverCrossing crossing_;
};

}  // namespace drydock::ddi
