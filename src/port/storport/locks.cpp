// Storport's locks. DOC: ST-77…ST-81: DPC, StartIo, Interrupt, and one per message; order DPC or StartIo first.

#include <algorithm>

#include "port/storport/adapter.h"
#include "port/storport/lock_table.h"

namespace drydock::storport {

PortLock& Adapter::interrupt_lock(unsigned message) {
  return per_message() && message < messages_.size() ? messages_[message]->lock : interrupt_lock_;
}

bool Adapter::holds_interrupt_lock() const {
  const VirtualCpu& cpu = s_.scheduler.cpu();
  return interrupt_lock_.held_by(cpu) ||
         std::any_of(messages_.begin(), messages_.end(), [&](const auto& message) { return message->lock.held_by(cpu); });
}

// DOC: ST-81 with a lock for each message: all of them, in order.
void Adapter::lock_interrupts(CallSite where, bool told) {
  if (!per_message()) return check_acquired(interrupt_lock_.acquire(s_.scheduler), "interrupt", where, told);
  for (auto& message : messages_) check_acquired(message->lock.acquire(s_.scheduler), "message", where, told);
}

void Adapter::unlock_interrupts() {
  if (!per_message()) return interrupt_lock_.release();
  for (auto& message : messages_) message->lock.release();
}

// DOC: ST-79 VER-88 never acquire a held lock: on Windows this CPU would hang.
void Adapter::check_acquired(SpinLock::Acquired how, std::string_view lock, CallSite where, bool told) {
  if (how == SpinLock::Acquired::yes || told) [[likely]] return;
  const char* text = how == SpinLock::Acquired::recursive ? "the {} lock is acquired by the CPU that holds it already"
                     : how == SpinLock::Acquired::abandoned ? "the {} lock was never released by a routine that has returned"
                     : "the {} lock is held by another CPU, which does not release it (waited for 20 s)";
  s_.trace.emit(RuleBroken{"VER-88", "", fmt::format(fmt::runtime(text), lock), where});
}

// DOC: ST-73 half duplex: StartIo runs at DIRQL under the interrupt lock too.
void Adapter::lock_start_io() {
  check_acquired(start_io_lock_.acquire(s_.scheduler), "StartIo", {});
  if (claims_.full_duplex) return;
  start_io_outer_ = s_.scheduler.raise_irql(kDeviceLevel);
  lock_interrupts({});
}

void Adapter::unlock_start_io() {
  if (!claims_.full_duplex) {
    unlock_interrupts();
    s_.scheduler.lower_irql(start_io_outer_);
  }
  start_io_lock_.release();
}

// DOC: ST-78 each routine acquires only what the documented table grants it. DOC: ST-79 VER-89 DPC or StartIo first, then
// Interrupt. One mistake is one finding: what the table forbids is not told a second time as the wrong order.
bool Adapter::check_may_acquire(STOR_SPINLOCK kind, CallSite where) {
  if (!s_.checking()) return true;
  const CallFrame* frame = s_.call.frame();
  const auto may = frame == nullptr ? std::nullopt : locks_for(frame->routine, claims_.full_duplex || in_find_adapter());
  const std::string_view lock = name_of_lock(kind);
  if (may && !may->has(kind)) {
    const bool held = kind == StartIoLock ? start_io_lock_.held_by(s_.scheduler.cpu()) : kind == InterruptLock && holds_interrupt_lock();
    s_.trace.emit(RuleBroken{"ST-78", "", fmt::format("{} acquires the {} lock{}; it may acquire {}", frame->routine, lock,
                                                      held ? ", which is held already" : "", may->empty() ? "none" : "the DPC and interrupt locks only"), where});
    return false;
  }
  if (kind != InterruptLock && holds_interrupt_lock())
    s_.trace.emit(RuleBroken{"VER-89", "", fmt::format("the {} lock is acquired while the interrupt lock is held", lock), where});
  return true;
}

MSABI void Adapter::acquire_any(STOR_SPINLOCK kind, void* context, STOR_LOCK_HANDLE& handle, CallSite where) noexcept {
  const bool told = !check_may_acquire(kind, where);
  handle.Lock = kind;
  handle.Context.OldIrql = s_.scheduler.irql();
  handle.Context.LockQueue.Lock = static_cast<decltype(handle.Context.LockQueue.Lock)>(kind == DpcLock ? context : nullptr);
  const Irql level = kind == InterruptLock ? kDeviceLevel : kDispatchLevel;
  if (s_.scheduler.irql() < level) s_.scheduler.raise_irql(level);
  if (CallFrame* frame = s_.call.frame()) ++frame->locks_held;
  if (kind == InterruptLock) return lock_interrupts(where, told);
  if (kind == StartIoLock) return check_acquired(start_io_lock_.acquire(s_.scheduler), "StartIo", where, told);
  if (PortLock* lock = deferred_->dpc_lock(context)) return check_acquired(lock->acquire(s_.scheduler), "DPC", where, told);
  s_.trace.emit(RuleBroken{"ST-80", "", "StorPortAcquireSpinLock(DpcLock) names a STOR_DPC that StorPortInitializeDpc never saw", where});
}

// DOC: VER-88 (StorPortSpinLock4) True: the routine in progress holds a lock, and has one less now.
bool Adapter::take_from_frame(std::string_view routine, CallSite where) {
  CallFrame* frame = s_.call.frame();
  if (frame == nullptr) return true;
  if (frame->locks_held != 0) return frame->locks_held--, true;
  s_.trace.emit(RuleBroken{"VER-88", "", fmt::format("{} without a lock that this routine acquired", routine), where});
  return false;
}

MSABI void Adapter::release_any(STOR_LOCK_HANDLE& handle, CallSite where) noexcept {
  if (!take_from_frame("StorPortReleaseSpinLock", where)) return;
  if (handle.Lock == InterruptLock) unlock_interrupts();
  else if (handle.Lock == StartIoLock) start_io_lock_.release();
  else if (PortLock* lock = deferred_->dpc_lock(handle.Context.LockQueue.Lock)) lock->release();
  s_.scheduler.lower_irql(static_cast<Irql>(handle.Context.OldIrql));
}

bool Adapter::acquire_message_lock(std::uint32_t message, ULONG& old_irql, CallSite where) {
  if (message >= messages_.size()) return false;
  if (!claims_.per_message)  // DOC: VER-90
    s_.trace.emit(RuleBroken{"VER-90", "", "StorPortAcquireMSISpinLock without InterruptSynchronizePerMessage", where});
  old_irql = s_.scheduler.irql();
  s_.scheduler.raise_irql(kDeviceLevel);
  if (CallFrame* frame = s_.call.frame()) ++frame->locks_held;
  check_acquired(interrupt_lock(message).acquire(s_.scheduler), "message", where);
  return true;
}

bool Adapter::release_message_lock(std::uint32_t message, ULONG old_irql, CallSite where) {
  if (message >= messages_.size()) return false;
  if (!take_from_frame("StorPortReleaseMSISpinLock", where)) return true;
  interrupt_lock(message).release();
  s_.scheduler.lower_irql(static_cast<Irql>(old_irql));
  return true;
}

// DOC: ST-76. ASSUMED: in half duplex, where HwStorStartIo holds the interrupt lock already, the routine is just called.
// locks_test: HalfDuplexStartIoMaySynchronizeWithTheInterruptItExcludes
bool Adapter::synchronize(PSTOR_SYNCHRONIZED_ACCESS routine, void* context) {
  const bool excluded = !claims_.full_duplex && start_io_lock_.held_by(s_.scheduler.cpu());
  const Irql outer = s_.scheduler.irql();
  if (outer < kDeviceLevel) s_.scheduler.raise_irql(kDeviceLevel);
  if (!excluded) lock_interrupts({});
  const bool result = s_.call("HwStorSynchronizedAccess", EntryKind::routine, routine, extension_, context) != FALSE;
  if (!excluded) unlock_interrupts();
  s_.scheduler.lower_irql(outer);
  return result;
}

}  // namespace drydock::storport
