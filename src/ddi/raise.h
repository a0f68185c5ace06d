#pragma once
// A routine that may raise an exception. Its body returns Raising<R>: the value, or what to raise; the exception is raised
// when the body and everything in it is gone, because a handler does not come back. Its row is made by raising_routine,
// its caller's registers are kept by a stub (abi/raising_entry.h).
//
// An ordinary exception ends at the border where drydock called the driver. A transparent routine, through which a driver
// calls another, is such a border that exceptions pass: its caller is asked next. Its body and what that calls may be
// abandoned at any call into a driver, and own nothing then. Its row is made by transparent_routine.
//
// A memory routine works on whatever the driver names, user memory too (memcpy, strlen). For drivers of a machine that can
// have processes it has a second entry, by which memory that is not there is an exception; miniports of the machine's own
// disks do without, and without its cost. Its row is made by memory_routine.
//
//   Raising<void> probe(Call& call, const void* address, SIZE_T length, ULONG alignment) {
//     if (…) return raise(STATUS_DATATYPE_MISALIGNMENT);
//     return {};
//   }

#include <array>
#include <cstdint>
#include <tl/expected.hpp>
#include <type_traits>
#include <vector>

#include "abi/raising_entry.h"
#include "ddi/row.h"
#include "seh/frame_walk.h"

namespace drydock::ddi {

/// What a routine raises.
struct Raised {
  NTSTATUS status = 0;
  ULONG flags = 0;                    // EXCEPTION_NONCONTINUABLE
  ULONG parameter_count = 0;
  std::array<ULONG_PTR, 2> parameters{};
  EXCEPTION_RECORD* record = nullptr; // the driver's own, instead of all that
};

template <class R>
using Raising = tl::expected<R, Raised>;

inline tl::unexpected<Raised> raise(NTSTATUS status) { return tl::unexpected(Raised{status, EXCEPTION_NONCONTINUABLE, 0, {}, nullptr}); }
/// DOC: DRY-20 what an access violation tells: how, and where.
inline tl::unexpected<Raised> raise_access_violation(ULONG_PTR how, std::uint64_t address) {
  return tl::unexpected(Raised{STATUS_ACCESS_VIOLATION, EXCEPTION_NONCONTINUABLE, 2, {how, address}, nullptr});
}

/// Raises at the caller whose registers these are. Goes on in a handler, or at the caller when a filter says so, or not at all.
[[noreturn]] void raise_at(Kernel& kernel, TrapFrame& caller, const Raised& raised);

/// What a Call wants to know of its caller: rbp and return address, as the stub put them.
inline const void* call_frame_of(const TrapFrame& caller) { return reinterpret_cast<const void*>(caller.rsp() - 16); }

namespace detail {
template <RoutineName Name, Irql IrqlMax, auto Body>
struct RaisingEntry;
template <RoutineName Name, Irql IrqlMax, class R, class... A, Raising<R> (*Body)(Call&, A...)>
struct RaisingEntry<Name, IrqlMax, Body> {
  static_assert(sizeof...(A) <= 4 + kRaisingStackArguments);
  static MSABI R enter(A... arguments) noexcept {
    TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
    Raised raised;
    {
      Call call(Name.text, IrqlMax, call_frame_of(caller));
      auto result = Body(call, arguments...);
      if (result) {
        if constexpr (std::is_void_v<R>) return;
        else return *result;
      }
      raised = result.error();
    }
    raise_at(current_kernel(), caller, raised);
  }
};

template <RoutineName Name, Irql IrqlMax, auto Body>
struct TransparentEntry;
template <RoutineName Name, Irql IrqlMax, class R, class... A, R (*Body)(Call&, A...)>
struct TransparentEntry<Name, IrqlMax, Body> {
  static_assert(sizeof...(A) <= 4 + kRaisingStackArguments);
  static MSABI R enter(A... arguments) noexcept {
    TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
    Call call(Name.text, IrqlMax, call_frame_of(caller));
    const seh::Link link(*call.kernel().current_fiber, caller);
    return Body(call, arguments...);
  }
};
}  // namespace detail

namespace detail {
class ExpectedFault {
 public:
  ExpectedFault(Kernel& kernel, UserFault& fault) : kernel_(kernel), fiber_(kernel.current_fiber) {
    kernel.expected_faults.emplace_back(fiber_, &fault);
  }
  ~ExpectedFault() {
    std::erase_if(kernel_.expected_faults, [this](const auto& expected) { return expected.first == fiber_; });
  }
  ExpectedFault(const ExpectedFault&) = delete;
  ExpectedFault& operator=(const ExpectedFault&) = delete;

 private:
  Kernel& kernel_;
  const Fiber* fiber_;
};

// ASSUMED: it cannot be continued; Windows would copy once more (tests/drivers/wdm/neither).
[[noreturn]] inline void raise_fault(TrapFrame& caller, const UserFault& fault) {
  raise_at(current_kernel(), caller, raise_access_violation(fault.write ? EXCEPTION_WRITE_FAULT : EXCEPTION_READ_FAULT, fault.address).value());
}

template <RoutineName Name, Irql IrqlMax, auto Body>
struct FaultingEntry;
template <RoutineName Name, Irql IrqlMax, class R, class... A, R (*Body)(Call&, A...)>
struct FaultingEntry<Name, IrqlMax, Body> {
  static MSABI R enter(A... arguments) noexcept {
    TrapFrame& caller = registers_of_caller(__builtin_frame_address(0));
    UserFault fault;
    {
      Call call(Name.text, IrqlMax, call_frame_of(caller));
      const ExpectedFault expected(call.kernel(), fault);
      if constexpr (std::is_void_v<R>) {
        Body(call, arguments...);
        if (!fault.happened) return;
      } else {
        const R result = Body(call, arguments...);
        if (!fault.happened) return result;
      }
    }
    raise_fault(caller, fault);
  }
};
}  // namespace detail

template <RoutineName Name, Irql IrqlMax, auto Body>
Row memory_routine(const char* module, const char* page, Coverage coverage = Coverage::full, const char* note = "") {
  Row row = routine<Name, IrqlMax, Body>(module, page, coverage, note);
  row.faulting = raising_entry(reinterpret_cast<const void*>(&detail::FaultingEntry<Name, IrqlMax, Body>::enter));
  row.takes_user_memory = row.raises = true;
  return row;
}

template <RoutineName Name, Irql IrqlMax, auto Body>
Row transparent_routine(const char* module, const char* page, Coverage coverage = Coverage::full, const char* note = "") {
  const auto* enter = reinterpret_cast<const void*>(&detail::TransparentEntry<Name, IrqlMax, Body>::enter);
  return {Name.text, module, raising_entry(enter), false, IrqlMax, coverage, false, page, note, true};
}

template <RoutineName Name, Irql IrqlMax, auto Body>
Row raising_routine(const char* module, const char* page, Coverage coverage = Coverage::full, const char* note = "") {
  const auto* enter = reinterpret_cast<const void*>(&detail::RaisingEntry<Name, IrqlMax, Body>::enter);
  return {Name.text, module, raising_entry(enter), false, IrqlMax, coverage, true, page, note};
}

}  // namespace drydock::ddi
