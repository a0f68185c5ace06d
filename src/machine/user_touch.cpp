// What a driver does with memory of client processes, as findings: in the wrong context, at too high an IRQL, outside of any
// __try, or by a routine that takes system memory only. One place for instructions and for routines on their behalf. What a
// client did wrong (an address that is none, memory that it takes away) is no mistake of the driver's: an exception.

#include <algorithm>

#include "ddi/row.h"
#include "machine/kernel.h"

namespace drydock {

/// A touch and all that is known of it.
struct MachineKernel::ToldTouch {
  const UserTouch& touch;
  const TouchJudgement& judged;
  ddi::TouchBy by;
  const CodePlace& where;
  seh::Guarded guarded;

  std::string text() const {
    const std::string bytes = fmt::format("{} byte{} at {:#x} {} {}", touch.size, touch.size == 1 ? "" : "s", touch.address, touch.size == 1 ? "was" : "were",
                                          touch.write ? "written" : "read");
    const std::string whose = judged.owner == nullptr ? "user memory" : fmt::format("memory of process '{}'", judged.owner->name);
    return fmt::format("{}: {}{}{}", whose, bytes, by.routine == nullptr ? "" : " by ", by.routine == nullptr ? "" : by.routine);
  }
};

UserTouch MachineKernel::touch_now(std::uint64_t address, std::uint64_t size, bool write) const {
  return {address, size, write, board_->scheduler->process(), board_->scheduler->irql()};
}

TouchVerdict MachineKernel::touch_user(std::uint64_t address, std::uint64_t size, bool write, ddi::TouchBy by, CodePlace where) {
  return judge_touch(touch_now(address, size, write), by, where, by.routine == nullptr ? traps_->frame() : nullptr);
}

/// An access of user memory that nothing could complete is judged, too, before it becomes an exception.
void MachineKernel::touch_wild(const TrapOutcome& outcome, const TrapFrame& frame) {
  if (!board_->spaces->in_use() || outcome.address >= user_end() || drivers_->at(outcome.address) != nullptr) return;
  judge_touch(touch_now(outcome.address, std::max(outcome.size, 1u), outcome.write), ddi::TouchBy::instruction,
              {frame.rip(), frame.rsp(), frame[Gpr::rbp], false}, &frame);
}

TouchVerdict MachineKernel::judge_touch(const UserTouch& touch, ddi::TouchBy by, const CodePlace& where, const TrapFrame* frame) {
  const TouchJudgement judged = board_->spaces->judge(touch);
  note_fetch(touch, judged, where);
  if (!services_->checking()) return judged.verdict;
  const seh::Guarded guarded = frame != nullptr ? exceptions_->guarded(*current_fiber, *frame, RipKind::exact) : exceptions_->guarded(*current_fiber, where);
  tell_touch({touch, judged, by, where, guarded});
  return judged.verdict;
}

void MachineKernel::note_fetch(const UserTouch& touch, const TouchJudgement& judged, const CodePlace& where) {
  FetchWatch* watch = board_->spaces->fetches();
  if (watch == nullptr || !watch->watching() || judged.owner == nullptr || judged.verdict != TouchVerdict::ok) return;
  const std::byte* alias = board_->spaces->alias(touch.address, touch.size);
  if (alias == nullptr) return;  // pages of elsewhere that do not follow each other
  const auto offset = static_cast<std::uint64_t>(alias - board_->memory->system(0));
  if (touch.write) watch->writes(offset, touch.size);
  else watch->reads(offset, touch.size, where);
}

void MachineKernel::tell_touch(const ToldTouch& told) {
  const auto broken = [&](std::string_view rule, std::string_view code, std::string_view why) {
    board_->trace.emit(RuleBroken{rule, code, told.text() + std::string(why), told.where});
  };
  const ddi::Row* routine = told.by.routine == nullptr ? nullptr : ddi::find_row(told.by.routine);
  if (routine != nullptr && !routine->takes_user_memory && !std::string_view(routine->name).starts_with("Rtl")) {  // told by Call::object
    if (std::string_view(routine->name).starts_with("Zw")) broken("VER-63", "0xC4/0xE3", ", which takes system memory only");
    return;
  }
  if (told.judged.owner != nullptr && told.judged.owner != told.touch.current) {  // DOC: BUF-50 BUF-62
    if (is_in_wrong_context(told.judged, told.touch)) broken("BUF-62", "", " in the context of " + context_text());
    return;
  }
  if (told.judged.owner != nullptr && told.touch.write)
    if (const GivenRange* given = told.judged.owner->given.in_flight(told.touch.address); given != nullptr && given->as == GivenAs::buffered)
      broken("BUF-24", "", ", though the request is buffered: its data is to go into the system buffer");
  if (told.judged.verdict == TouchVerdict::not_locked)  // DOC: DRY-41
    broken("DRY-41", "0xD1", fmt::format(" at IRQL {}, and the page is not locked: were it not in memory, the system would stop", told.touch.irql));
  if (told.guarded == seh::Guarded::no && is_a_clients(told.judged, told.touch))  // DOC: BUF-63
    broken("BUF-63", "", " outside of any __try: its process may take it away at any time, and the exception would stop the system");
}

/// An address of the process, or one that it gave to the driver, right or wrong: not a NULL pointer of the driver's own.
bool MachineKernel::is_a_clients(const TouchJudgement& judged, const UserTouch& touch) {
  if (judged.owner != nullptr) return true;
  return touch.current != nullptr && static_cast<const AddressSpace*>(touch.current)->given.in_flight(touch.address) != nullptr;
}

/// A driver that kept an address, or took it elsewhere; not one that a client told the address of somebody else.
bool MachineKernel::is_in_wrong_context(const TouchJudgement& judged, const UserTouch& touch) const {
  if (touch.current == nullptr) return true;
  const auto* current = static_cast<const AddressSpace*>(touch.current);
  return current->given.in_flight(judged.address) == nullptr && judged.owner->given.ever(judged.address) != nullptr;
}

std::string MachineKernel::context_text() const {
  const ProcessContext* process = board_->scheduler->process();
  return process == nullptr ? "no process (a system thread, or whatever a DPC or an interrupt met)" : fmt::format("process '{}'", process->name);
}

// DOC: BUF-62 BUF-63 a probe means the current process, and raises.
void MachineKernel::probe(std::uint64_t address, std::uint64_t size, const char* routine, CodePlace where) {
  if (!services_->checking() || size == 0) return;
  const UserTouch touch = touch_now(address, 1, false);
  const TouchJudgement judged = board_->spaces->judge(touch);
  const auto broken = [&](std::string_view rule, std::string why) { board_->trace.emit(RuleBroken{rule, "", std::move(why), where}); };
  if (judged.owner != nullptr && judged.owner != touch.current && is_in_wrong_context(judged, touch))
    broken("BUF-62", fmt::format("{} of memory of process '{}' in the context of {}", routine, judged.owner->name, context_text()));
  if (exceptions_->guarded(*current_fiber, where) == seh::Guarded::no)
    broken("BUF-63", fmt::format("{} was called outside of any __try: it raises an exception for an address that is not good", routine));
}

}  // namespace drydock
