#include "sched/guard.h"

#include <algorithm>

#include "base/check.h"

#if defined(DRYDOCK_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace drydock {
namespace {

/// The driver may have left any rounding mode, and values on the x87 stack.
inline void reset_floating_point() {
  const std::uint32_t initial = 0x1F80;
  asm volatile("cld; fninit; ldmxcsr %0" : : "m"(initial));
}

}  // namespace

const char* abort_reason_text(AbortReason reason) {
  switch (reason) {
    case AbortReason::none: return "not aborted";
    case AbortReason::stack_overflow: return "the kernel stack overflowed";
    case AbortReason::hung: return "a loop that nothing can end";
    case AbortReason::endless: return "a call that does not come back";
    case AbortReason::wild_access: return "an access to memory that belongs to nobody";
    case AbortReason::bad_instruction: return "an instruction that cannot be executed";
    case AbortReason::exception: return "an exception that nobody handled";
    case AbortReason::fast_fail: return "a fast fail (int 29h)";
    case AbortReason::bug_check: return "a bug check";
    case AbortReason::requested: return "ended from outside";
  }
  return "unknown";
}

void abort_driver_call(Fiber& fiber, AbortReason reason) {
  EntryGuard* guard = fiber.guard_;
  CHECK(guard, "there is no driver call to abandon on fiber {}", fiber.name());
  guard->reason = reason;
  fiber.abort_record_.reason = reason;
  reset_floating_point();
  return_to(guard->landing);
}

std::uintptr_t prepare_landing(Fiber& fiber, AbortReason reason, const std::uint64_t* gregs, std::uint64_t fault_address) {
  AbortRecord& record = fiber.abort_record_;
  record.reason = reason;
  std::copy_n(gregs, kGprCount, record.gregs);
  record.fault_address = fault_address;
  if (reason == AbortReason::stack_overflow) fiber.overflowed_ = true;
  // Below everything the guard's function still needs; as at the first instruction of a called function.
  return ((fiber.guard_->driver_top - 256) & ~std::uintptr_t{15}) - 8;
}

// The frames below this one were abandoned and their red zones still poison the stack this runs on.
#if defined(DRYDOCK_ASAN)
__attribute__((no_sanitize("address")))
#endif
void drydock_abort_landing(Fiber* fiber) {
#if defined(DRYDOCK_ASAN)
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  __asan_unpoison_memory_region(reinterpret_cast<void*>(fiber->stack_bottom()), here - fiber->stack_bottom());
#endif
  reset_floating_point();
  if (MachineHooks* machine = current_machine()) machine->call_aborted(*fiber, fiber->last_abort());
  abort_driver_call(*fiber, fiber->last_abort().reason);
}

void cut_off(Fiber& fiber, AbortReason reason, const std::uint64_t* gregs, std::uint64_t fault_address) {
  const std::uintptr_t landing = prepare_landing(fiber, reason, gregs, fault_address);
  if (reason == AbortReason::stack_overflow) {  // no room here: report from the guard's end of the stack
    asm volatile("movq %0, %%rsp; xorl %%ebp, %%ebp; jmp *%2" : : "r"(landing), "D"(&fiber), "r"(&drydock_abort_landing));
    __builtin_unreachable();
  }
  reset_floating_point();
  if (MachineHooks* machine = current_machine()) machine->call_aborted(fiber, fiber.last_abort());
  abort_driver_call(fiber, reason);
}

}  // namespace drydock
