#pragma once
// DriverCall: how drydock calls a routine of the driver. Around the guarded entry it keeps the books that the documented
// rules ask about when the routine returns: the IRQL it was called at and the spin locks it still holds. A call that died
// (bug check, wild access, hang) halts the machine: it never returns.

#include <string_view>

#include "sched/guard.h"
#include "sched/scheduler.h"
#include "trace/trace.h"

namespace drydock {

enum class CheckLevel : std::uint8_t { off, standard, all };

/// One call in progress; the innermost of a fiber is what exports ask about. Kept only for checks and traces.
struct CallFrame {
  std::string_view routine;
  Irql irql = kPassiveLevel;
  unsigned locks_held = 0;  ///< acquired by this call and not yet released
  CallFrame* outer = nullptr;
  std::uint64_t entry = 0;  ///< address of the routine: where a finding about the whole call points
  bool lowers = false;      ///< it is to lower the IRQL
};

class DriverCall {
 public:
  DriverCall(Scheduler& scheduler, Trace& trace, CheckLevel checks) : scheduler_(scheduler), trace_(trace), checks_(checks) {}

  bool checking() const { return checks_ != CheckLevel::off; }
  CheckLevel checks() const { return checks_; }
  /// The innermost call in progress on the running fiber; null outside the driver, and when nobody checks.
  CallFrame* frame() { return static_cast<CallFrame*>(scheduler_.fiber().call_frames); }

  /// A system thread of the driver's own: its routine returns, or ends the thread from within (AbortReason::requested).
  void thread(std::string_view routine, void(MSABI* entry)(void*), void* context);

  template <class R, class... A>
  R operator()(std::string_view routine, EntryKind kind, R(MSABI* entry)(A...), std::type_identity_t<A>... arguments) {
    if (!checking() && !trace_.verbose()) return enter(kind, entry, arguments...);
    CallFrame call{routine, scheduler_.irql(), 0, nullptr, reinterpret_cast<std::uint64_t>(entry)};
    return booked(call, kind, entry, arguments...);
  }
  /// For a routine that lowers the IRQL itself: its caller looks at what became of it.
  template <class R, class... A>
  R lowering(std::string_view routine, R(MSABI* entry)(A...), std::type_identity_t<A>... arguments) {
    CallFrame call{routine, scheduler_.irql(), 0, nullptr, reinterpret_cast<std::uint64_t>(entry), true};
    return booked(call, EntryKind::routine, entry, arguments...);
  }

 private:
  template <class R, class... A>
  R booked(CallFrame& call, EntryKind kind, R(MSABI* entry)(A...), A... arguments) {
    begin(call);
    if constexpr (std::is_void_v<R>) {
      enter(kind, entry, arguments...);
      end(call, 0);
    } else {
      const R result = enter(kind, entry, arguments...);
      end(call, static_cast<std::uint64_t>(result));
      return result;
    }
  }
  template <class R, class... A>
  R enter(EntryKind kind, R(MSABI* entry)(A...), A... arguments) {
    const Entered<R> entered = enter_driver(scheduler_.fiber(), kind, entry, arguments...);
    if (entered.aborted) [[unlikely]] scheduler_.halt();
    if constexpr (!std::is_void_v<R>) return entered.value;
  }
  void begin(CallFrame& call) {
    call.outer = frame();
    scheduler_.fiber().call_frames = &call;
    if (trace_.verbose()) [[unlikely]] trace_entered(call);
  }
  void end(CallFrame& call, std::uint64_t result) {
    scheduler_.fiber().call_frames = call.outer;
    if (checking() && ((call.irql != scheduler_.irql() && !call.lowers) || call.locks_held != 0)) [[unlikely]] complain(call);
    if (trace_.verbose()) [[unlikely]] trace_returned(call, result);
  }
  void complain(const CallFrame& call);
  void trace_entered(const CallFrame& call);
  void trace_returned(const CallFrame& call, std::uint64_t result);

  Scheduler& scheduler_;
  Trace& trace_;
  CheckLevel checks_;
};

}  // namespace drydock
