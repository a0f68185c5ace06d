#include "seh/dispatcher.h"

#include <cstring>

#include "base/check.h"
#include "sched/guard.h"
#include "seh/machine_context.h"
#include "seh/scope_table.h"

#if defined(DRYDOCK_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace drydock::seh {
namespace {

using LanguageHandler = EXCEPTION_DISPOSITION(MSABI*)(EXCEPTION_RECORD*, void*, CONTEXT*, DISPATCHER_CONTEXT*);
using Filter = LONG(MSABI*)(EXCEPTION_POINTERS*, void*);
using FinallyBlock = void(MSABI*)(BOOLEAN, void*);

constexpr ULONG kBehindACall = 1;  // in the unused word of a DISPATCHER_CONTEXT: ControlPc is a return address

/// What the scope table is asked about: an instruction. Behind a call that is the call: clang 19 lets ranges end a byte
/// behind their last call, where the next range has begun already. ASSUMED: tests/drivers/exceptions_nested.
std::uint32_t guarded_rva(std::uint32_t rva, bool behind_a_call) { return behind_a_call ? rva - 1 : rva; }
std::uint32_t guarded_rva(const DISPATCHER_CONTEXT& dispatcher) {
  return guarded_rva(static_cast<std::uint32_t>(dispatcher.ControlPc - dispatcher.ImageBase), dispatcher.Fill0 == kBehindACall);
}

template <class F>
F code_at(std::uint64_t base, std::uint32_t rva) { return reinterpret_cast<F>(base + rva); }

void* as_pointer(std::uint64_t address) { return reinterpret_cast<void*>(address); }

/// The frames from here up to `rsp` are gone: drydock's books of them too.
[[noreturn]] void go_on(Fiber& fiber, TrapFrame& vessel) {
  Link::abandon_below(fiber, vessel.rsp());
#if defined(DRYDOCK_ASAN)
  __asan_unpoison_memory_region(reinterpret_cast<void*>(fiber.stack_bottom()), vessel.rsp() - fiber.stack_bottom());
#endif
  resume_frame(vessel);
}

}  // namespace

/// What a language handler is asked.
struct Dispatcher::Question {
  Fiber& fiber;
  TrapFrame& vessel;
  const FrameWalk& walk;
  const UnwindStep& step;
  EXCEPTION_RECORD& record;
  CONTEXT& context;             // of the exception, or of the frame being unwound
  CONTEXT& frame_context;       // what the dispatcher context shows
  LinkKind kind;
  const Position& outside;      // where an exception in the handler is looked for next
  std::uint64_t target_ip;
};

// --- phase one -----------------------------------------------------------------------------------------------------------

/// A call through a bad pointer has left the driver's code: its caller is the innermost frame.
Position Dispatcher::start_at(const Fiber& fiber, const TrapFrame& frame, RipKind kind) const {
  Position start{context_of(frame), kind, fiber.innermost_guard(), 0};
  if (code_.image_at(start.registers.rip)) return start;
  const StackRange stack(fiber.stack_bottom(), fiber.stack_top());
  const auto pushed = stack.read(frame.rsp());
  if (!pushed || !code_.image_at(*pushed)) return start;
  start.registers.rip = *pushed;
  start.registers.rsp += 8;
  start.kind = RipKind::return_address;
  return start;
}

Outcome Dispatcher::dispatch(Fiber& fiber, TrapFrame& frame, RipKind kind, EXCEPTION_RECORD& record) {
  const Position start = start_at(fiber, frame, kind);
  return search(fiber, frame, start, record);
}

// DOC: DRY-20 the innermost handler is asked first; nothing is unwound before one accepts.
Outcome Dispatcher::search(Fiber& fiber, TrapFrame& frame, const Position& start, EXCEPTION_RECORD& record) {
  CONTEXT context, frame_context;
  fill_context(context, frame);
  FrameWalk walk(fiber, code_, start);
  RegisterContext caller;
  while (walk.settle()) {
    const auto step = walk.look(caller);
    if (!step) return Outcome::unhandled;
    if (step->handles_exceptions && step->handler_rva != 0) {
      fill_context(frame_context, caller, frame);
      switch (ask({fiber, frame, walk, *step, record, context, frame_context, LinkKind::search, start, 0})) {
        case ExceptionContinueSearch: break;
        case ExceptionContinueExecution:
          if (record.ExceptionFlags & EXCEPTION_NONCONTINUABLE)
            return raise_about(fiber, frame, start, record, STATUS_NONCONTINUABLE_EXCEPTION);
          apply_context(frame, context);
          return Outcome::continued;
        default: return raise_about(fiber, frame, start, record, STATUS_INVALID_DISPOSITION);
      }
    }
    walk.go_to(caller, *step);
  }
  return Outcome::unhandled;
}

/// Is this where the driver was called, and not a return address that is none? The call has put home space and a few arguments there.
bool has_arrived(const Position& end) {
  constexpr std::uint64_t kArguments = 96;
  return end.guard == nullptr || end.registers.rsp + kArguments >= end.guard->driver_top;
}

// --- the same without asking anybody -----------------------------------------------------------------------------------------

Guarded Dispatcher::guarded(const Fiber& fiber, const TrapFrame& frame, RipKind kind) const {
  return guarded_from(fiber, start_at(fiber, frame, kind));
}

Guarded Dispatcher::guarded(const Fiber& fiber, const CodePlace& place) const {
  Position start;
  start.registers.rip = place.rip;
  start.registers.rsp = place.rsp;
  start.registers.rbp = place.rbp;
  start.kind = place.is_return_address ? RipKind::return_address : RipKind::exact;
  start.guard = fiber.innermost_guard();
  return guarded_from(fiber, start);
}

Guarded Dispatcher::guarded_from(const Fiber& fiber, const Position& start) const {
  FrameWalk walk(fiber, code_, start);
  RegisterContext caller;
  while (walk.settle()) {
    const auto step = walk.look(caller);
    if (!step) return Guarded::unknown;
    if (step->handles_exceptions && step->handler_rva != 0 && has_except(walk, *step)) return Guarded::yes;
    walk.go_to(caller, *step);
  }
  return has_arrived(walk.position()) ? Guarded::no : Guarded::unknown;
}

bool Dispatcher::has_except(const FrameWalk& walk, const UnwindStep& step) const {
  const ScopeTable table(*walk.image().pe, step.handler_data_rva);
  const bool behind_a_call = walk.position().kind == RipKind::return_address;
  return table.is_sound() && table.next_except(walk.position().scope_index, guarded_rva(walk.rva(), behind_a_call)).has_value();
}

/// What was answered cannot be done: that is an exception of its own, searched for from the same place.
Outcome Dispatcher::raise_about(Fiber& fiber, TrapFrame& frame, const Position& start, EXCEPTION_RECORD& about, NTSTATUS code) {
  EXCEPTION_RECORD record{};
  record.ExceptionCode = code;
  record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
  record.ExceptionRecord = &about;
  record.ExceptionAddress = about.ExceptionAddress;
  const Outcome outcome = search(fiber, frame, start, record);
  if (outcome == Outcome::unhandled) {  // whoever ends the machine tells the newer one
    about.ExceptionCode = record.ExceptionCode;
    about.NumberParameters = 0;
  }
  return outcome;
}

EXCEPTION_DISPOSITION Dispatcher::ask(const Question& q) {
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (here < q.fiber.stack_bottom() + kHostReserve)  // exceptions within exceptions without end
    cut_off(q.fiber, AbortReason::stack_overflow, q.vessel.gregs, 0);
  const CodeImage& image = q.walk.image();
  DISPATCHER_CONTEXT dispatcher{};
  dispatcher.ControlPc = q.walk.position().registers.rip;
  dispatcher.ImageBase = image.base;
  if (q.step.function) dispatcher.FunctionEntry = code_at<RUNTIME_FUNCTION*>(image.base, q.step.function->row);
  dispatcher.EstablisherFrame = q.step.establisher_frame;
  dispatcher.TargetIp = q.target_ip;
  dispatcher.ContextRecord = &q.frame_context;
  dispatcher.LanguageHandler = code_at<PEXCEPTION_ROUTINE>(image.base, q.step.handler_rva);
  dispatcher.HandlerData = as_pointer(image.base + q.step.handler_data_rva);
  dispatcher.ScopeIndex = q.walk.position().scope_index;
  dispatcher.Fill0 = q.walk.position().kind == RipKind::return_address ? kBehindACall : 0;
  Entered<EXCEPTION_DISPOSITION> entered;
  {
    const Link link(q.fiber, q.kind, q.vessel, q.outside, dispatcher);
    entered = enter_driver(q.fiber, EntryKind::routine, code_at<LanguageHandler>(image.base, q.step.handler_rva), &q.record,
                           as_pointer(q.step.establisher_frame), &q.context, &dispatcher);
  }
  if (entered.aborted) abort_driver_call(q.fiber, entered.reason);
  return entered.value;
}

// --- phase two -----------------------------------------------------------------------------------------------------------

void Dispatcher::unwind(Fiber& fiber, TrapFrame& frame, const UnwindTarget& target) {
  const Position start = start_at(fiber, frame, RipKind::return_address);
  unwind_from(fiber, frame, start, target);
}

// DOC: DRY-20 the termination handlers run from the innermost frame outwards, the accepting function's own inner ones last.
void Dispatcher::unwind_from(Fiber& fiber, TrapFrame& vessel, const Position& start, const UnwindTarget& target) {
  EXCEPTION_RECORD own{};
  own.ExceptionCode = STATUS_UNWIND;
  EXCEPTION_RECORD& record = target.record != nullptr ? *target.record : own;
  record.ExceptionFlags |= target.frame != 0 ? EXCEPTION_UNWINDING : EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND;
  CONTEXT own_context;
  CONTEXT& context = target.context != nullptr ? *target.context : own_context;
  FrameWalk walk(fiber, code_, start);
  RegisterContext caller;
  while (walk.settle()) {
    const auto step = walk.look(caller);
    if (!step || (target.frame != 0 && step->establisher_frame > target.frame)) return;
    const bool at_target = target.frame != 0 && step->establisher_frame == target.frame;
    if (step->handles_unwind && step->handler_rva != 0) {
      if (at_target) record.ExceptionFlags |= EXCEPTION_TARGET_UNWIND;
      fill_context(context, walk.position().registers, vessel);
      context.Rax = target.return_value;
      const auto answer = ask({fiber, vessel, walk, *step, record, context, context, LinkKind::unwind, walk.position(), target.ip});
      record.ExceptionFlags &= ~static_cast<ULONG>(EXCEPTION_TARGET_UNWIND);
      if (answer != ExceptionContinueSearch) return;
    }
    if (at_target) {
      apply_registers(vessel, walk.position().registers);
      vessel[Gpr::rip] = target.ip;
      vessel[Gpr::rax] = target.return_value;
      go_on(fiber, vessel);
    }
    walk.go_to(caller, *step);
  }
}

// --- the language handler of C ---------------------------------------------------------------------------------------------

EXCEPTION_DISPOSITION Dispatcher::run_scopes(Fiber& fiber, EXCEPTION_RECORD& record, std::uint64_t establisher_frame, CONTEXT& context,
                                             DISPATCHER_CONTEXT& dispatcher) {
  if (IS_DISPATCHING(record.ExceptionFlags)) return ask_filters(fiber, record, establisher_frame, context, dispatcher);
  return run_finally_blocks(record, establisher_frame, dispatcher);
}

EXCEPTION_DISPOSITION Dispatcher::ask_filters(Fiber& fiber, EXCEPTION_RECORD& record, std::uint64_t establisher_frame, CONTEXT& context,
                                              DISPATCHER_CONTEXT& dispatcher) {
  const auto image = code_.image_at(dispatcher.ImageBase);
  if (!image) return ExceptionContinueSearch;
  const ScopeTable table(*image->pe, static_cast<std::uint32_t>(reinterpret_cast<std::uint64_t>(dispatcher.HandlerData) - image->base));
  const auto rva = guarded_rva(dispatcher);
  EXCEPTION_POINTERS pointers{&record, &context};
  for (auto index = table.next_except(dispatcher.ScopeIndex, rva); index; index = table.next_except(*index + 1, rva)) {
    const Scope scope = *table.at(*index);
    const LONG answer = scope.always_handles() ? EXCEPTION_EXECUTE_HANDLER
                                               : code_at<Filter>(image->base, scope.handler)(&pointers, as_pointer(establisher_frame));
    if (answer < 0) return ExceptionContinueExecution;
    if (answer > 0) accept(fiber, record, establisher_frame, image->base + scope.target);
  }
  return ExceptionContinueSearch;
}

/// The exception is this function's. The handler was called by search(), so the innermost link knows where it is from.
void Dispatcher::accept(Fiber& fiber, EXCEPTION_RECORD& record, std::uint64_t establisher_frame, std::uint64_t ip) {
  const Link* link = Link::innermost(fiber);
  const Position start = link->outside();
  const auto cause = code_.image_at(start.registers.rip), taker = code_.image_at(ip);
  if (witness_ != nullptr && cause && taker && cause->base != taker->base && Link::passes_border(fiber, establisher_frame))
    witness_->taken_above(record, {start.registers.rip, start.registers.rsp, start.registers.rbp, start.kind == RipKind::return_address});
  const UnwindTarget target{establisher_frame, ip, static_cast<std::uint32_t>(record.ExceptionCode), &record, nullptr};
  unwind_from(fiber, link->vessel(), start, target);
  cut_off(fiber, AbortReason::exception, link->vessel().gregs, 0);  // the stack changed between the phases
}

EXCEPTION_DISPOSITION Dispatcher::run_finally_blocks(EXCEPTION_RECORD& record, std::uint64_t establisher_frame, DISPATCHER_CONTEXT& dispatcher) {
  const auto image = code_.image_at(dispatcher.ImageBase);
  if (!image) return ExceptionContinueSearch;
  const ScopeTable table(*image->pe, static_cast<std::uint32_t>(reinterpret_cast<std::uint64_t>(dispatcher.HandlerData) - image->base));
  const auto rva = guarded_rva(dispatcher);
  std::optional<std::uint32_t> target;
  if (IS_TARGET_UNWIND(record.ExceptionFlags)) target = static_cast<std::uint32_t>(dispatcher.TargetIp - image->base);
  for (auto index = table.next_finally(dispatcher.ScopeIndex, rva, target); index; index = table.next_finally(dispatcher.ScopeIndex, rva, target)) {
    dispatcher.ScopeIndex = *index + 1;  // begun: an exception in the block does not start it again
    code_at<FinallyBlock>(image->base, table.at(*index)->handler)(TRUE, as_pointer(establisher_frame));
  }
  return ExceptionContinueSearch;
}

}  // namespace drydock::seh
