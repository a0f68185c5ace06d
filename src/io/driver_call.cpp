#include "io/driver_call.h"

#include <fmt/format.h>

namespace drydock {

// DOC: VER-86 every callback returns at the IRQL it was called at. DOC: VER-88 and with the locks it took released.
// Windows would go on with the wrong level and hang later; drydock restores the level so that the run can go on.
void DriverCall::complain(const CallFrame& call) {
  const CodePlace routine{.rip = call.entry, .rsp = 0, .rbp = 0, .is_return_address = false};
  if (call.irql != scheduler_.irql() && !call.lowers) {
    trace_.emit(RuleBroken{"VER-86", "", fmt::format("{} was called at IRQL {} and returned at IRQL {}", call.routine,
                                                     call.irql, scheduler_.irql()), routine});
    scheduler_.lower_irql(call.irql);
  }
  if (call.locks_held != 0)
    trace_.emit(RuleBroken{"VER-88", "", fmt::format("{} returned without releasing {} spin lock{} it acquired", call.routine,
                                                     call.locks_held, call.locks_held == 1 ? "" : "s"), routine});
}

void DriverCall::thread(std::string_view routine, void(MSABI* entry)(void*), void* context) {
  CallFrame call{routine, scheduler_.irql(), 0, nullptr, reinterpret_cast<std::uint64_t>(entry)};
  begin(call);
  const Entered<void> entered = enter_driver(scheduler_.fiber(), EntryKind::routine, entry, context);
  if (entered.aborted && entered.reason != AbortReason::requested) scheduler_.halt();
  end(call, 0);
}

void DriverCall::trace_entered(const CallFrame& call) {
  trace_.emit(CallbackEntered{call.routine, scheduler_.cpu().index, call.irql});
}

void DriverCall::trace_returned(const CallFrame& call, std::uint64_t result) {
  trace_.emit(CallbackReturned{call.routine, scheduler_.cpu().index, scheduler_.irql(), result});
}

}  // namespace drydock
