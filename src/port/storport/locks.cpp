// Storport's locks. DOC: ST-77…ST-81: DPC, StartIo, Interrupt, and one per message; order DPC or StartIo first.

#include "port/storport/adapter.h"

namespace drydock::storport {

SpinLock& Adapter::interrupt_lock(unsigned message) {
  return claims_.per_message && message < messages_.size() ? messages_[message]->lock : interrupt_lock_;
}

// DOC: ST-79 VER-88 never acquire a held lock: on Windows this CPU would hang.
void Adapter::check_acquired(SpinLock::Acquired how, std::string_view lock, CodePlace where) {
  if (how == SpinLock::Acquired::yes) [[likely]] return;
  s_.trace.emit(RuleBroken{"VER-88", "",
                           how == SpinLock::Acquired::recursive
                               ? fmt::format("the {} lock is acquired by the CPU that holds it already", lock)
                               : fmt::format("the {} lock was never released by a routine that has returned", lock), where});
}

// DOC: ST-73 half duplex: StartIo runs at DIRQL under the interrupt lock too.
void Adapter::lock_start_io() {
  check_acquired(start_io_lock_.acquire(s_.scheduler), "StartIo", {});
  if (claims_.full_duplex) return;
  start_io_outer_ = s_.scheduler.raise_irql(kDeviceLevel);
  interrupt_lock_.acquire(s_.scheduler);
}

void Adapter::unlock_start_io() {
  if (!claims_.full_duplex) {
    interrupt_lock_.release();
    s_.scheduler.lower_irql(start_io_outer_);
  }
  start_io_lock_.release();
}

void Adapter::acquire(STOR_SPINLOCK kind, void* context, STOR_LOCK_HANDLE& handle, CodePlace where) {
  const bool interrupt = kind == InterruptLock;
  handle.Lock = kind;
  handle.Context.OldIrql = s_.scheduler.irql();
  handle.Context.LockQueue.Lock = nullptr;
  const Irql level = interrupt ? kDeviceLevel : kDispatchLevel;
  if (s_.scheduler.irql() < level) s_.scheduler.raise_irql(level);
  if (CallFrame* frame = s_.call.frame()) ++frame->locks_held;
  switch (kind) {
    case DpcLock: {
      SpinLock* lock = deferred_->dpc_lock(context);
      if (lock == nullptr)
        s_.trace.emit(RuleBroken{"ST-80", "", "StorPortAcquireSpinLock(DpcLock) names a STOR_DPC that StorPortInitializeDpc never saw", where});
      else
        check_acquired(lock->acquire(s_.scheduler), "DPC", where);
      handle.Context.LockQueue.Lock = static_cast<decltype(handle.Context.LockQueue.Lock)>(context);
      return;
    }
    case StartIoLock: return check_acquired(start_io_lock_.acquire(s_.scheduler), "StartIo", where);
    default: break;
  }
  if (!claims_.per_message) return check_acquired(interrupt_lock_.acquire(s_.scheduler), "interrupt", where);
  for (auto& message : messages_) check_acquired(message->lock.acquire(s_.scheduler), "message", where);  // DOC: ST-81
}

void Adapter::release_lock(STOR_LOCK_HANDLE& handle, CodePlace where) {
  CallFrame* frame = s_.call.frame();
  if (frame != nullptr && frame->locks_held == 0) {  // DOC: VER-88 (SpinLock4)
    s_.trace.emit(RuleBroken{"VER-88", "", "StorPortReleaseSpinLock without a lock that this routine acquired", where});
    return;
  }
  if (frame != nullptr) --frame->locks_held;
  switch (handle.Lock) {
    case DpcLock:
      if (SpinLock* lock = deferred_->dpc_lock(handle.Context.LockQueue.Lock)) lock->release();
      break;
    case StartIoLock: start_io_lock_.release(); break;
    default:
      if (claims_.per_message)
        for (auto& message : messages_) message->lock.release();
      else
        interrupt_lock_.release();
  }
  s_.scheduler.lower_irql(static_cast<Irql>(handle.Context.OldIrql));
}

bool Adapter::acquire_message_lock(std::uint32_t message, ULONG& old_irql, CodePlace where) {
  if (message >= messages_.size()) return false;
  if (!claims_.per_message)  // DOC: VER-90
    s_.trace.emit(RuleBroken{"VER-90", "", "StorPortAcquireMSISpinLock without InterruptSynchronizePerMessage", where});
  old_irql = s_.scheduler.irql();
  s_.scheduler.raise_irql(kDeviceLevel);
  if (CallFrame* frame = s_.call.frame()) ++frame->locks_held;
  check_acquired(interrupt_lock(message).acquire(s_.scheduler), "message", where);
  return true;
}

bool Adapter::release_message_lock(std::uint32_t message, ULONG old_irql) {
  if (message >= messages_.size()) return false;
  if (CallFrame* frame = s_.call.frame(); frame != nullptr && frame->locks_held != 0) --frame->locks_held;
  interrupt_lock(message).release();
  s_.scheduler.lower_irql(static_cast<Irql>(old_irql));
  return true;
}

// DOC: ST-76
bool Adapter::synchronize(PSTOR_SYNCHRONIZED_ACCESS routine, void* context) {
  const Irql outer = s_.scheduler.irql();
  if (outer < kDeviceLevel) s_.scheduler.raise_irql(kDeviceLevel);
  interrupt_lock_.acquire(s_.scheduler);
  const bool result = s_.call("HwStorSynchronizedAccess", EntryKind::routine, routine, extension_, context) != FALSE;
  interrupt_lock_.release();
  s_.scheduler.lower_irql(outer);
  return result;
}

}  // namespace drydock::storport
