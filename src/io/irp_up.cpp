// IRPs on their way up: IoCompleteRequest, and what happens to an IRP at its end.

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "io/access_method.h"
#include "io/io_manager.h"
#include "mem/mdl_view.h"

namespace drydock {

namespace {

bool wants_call(const IO_STACK_LOCATION& left, const Irp& irp) {
  if (left.CompletionRoutine == nullptr) return false;
  const bool success = irp->IoStatus.Status >= 0;
  return (success && (left.Control & SL_INVOKE_ON_SUCCESS) != 0) || (!success && (left.Control & SL_INVOKE_ON_ERROR) != 0) ||
         (irp->Cancel && (left.Control & SL_INVOKE_ON_CANCEL) != 0);
}

/// What IoForwardIrpSynchronously puts where a completion routine belongs. Nobody calls it.
MSABI NTSTATUS NTAPI wake_forwarder(DEVICE_OBJECT*, IRP*, PVOID) noexcept { return STATUS_MORE_PROCESSING_REQUIRED; }

/// What a driver that looks at it afterwards finds.
void clear(IO_STACK_LOCATION& left) {
  left.MinorFunction = 0;
  left.Flags = 0;
  left.Control = 0;
  left.Parameters = {};
  left.FileObject = nullptr;
  left.CompletionRoutine = nullptr;
  left.Context = nullptr;
}

}  // namespace

std::vector<RelatedStack> IoManager::history_of(const IrpFacts& facts) const {
  std::vector<RelatedStack> related;
  if (!facts.completed_by.empty()) related.push_back({"completed at", facts.completed_by});
  if (!facts.freed_by.empty()) related.push_back({"freed at", facts.freed_by});
  return related;
}

void IoManager::complete(IRP* raw, const CodePlace& where) {
  IrpFacts* facts = book_.find(raw);
  if (!may_be_completed(raw, facts, where)) return;
  facts->kept_by_maker = false;
  if (where.rip != 0 && services_.call.checking()) facts->completed_by = host_.stack_at(where);
  Irp irp(raw);
  while (!irp.with_its_maker()) {
    const int number = irp.current_number();
    pass(*facts, irp, number);
    const IO_STACK_LOCATION left = irp.current();
    irp->PendingReturned = (left.Control & SL_PENDING_RETURNED) != 0;
    clear(irp.current());
    irp.go_up();
    if (irp.with_its_maker()) give_back_substitute(*facts);
    if (wants_call(left, irp)) {
      if (!ask_completion_routine(*facts, irp, left)) return;
    } else if (irp->PendingReturned && !irp.with_its_maker()) {
      irp.current().Control |= SL_PENDING_RETURNED;
    }
  }
  end(*facts, where);
}

// What was read into the substitute of a buffer goes to where it belongs, before its maker looks.
void IoManager::give_back_substitute(IrpFacts& facts) {
  if (facts.substituted == nullptr || !returns_data(facts.irp->IoStatus.Status)) return;
  std::memcpy(facts.substituted, facts.substitute, std::min<std::size_t>(facts.irp->IoStatus.Information, facts.substituted_length));
}

// False: it keeps the IRP (or has freed it), and nothing of ours may look at it again. DOC: BUF-86
bool IoManager::ask_completion_routine(IrpFacts& facts, Irp irp, const IO_STACK_LOCATION& left) {
  const std::uint64_t serial = facts.serial;
  IRP* raw = irp.raw();
  if (left.CompletionRoutine == &wake_forwarder) return host_.set_event(static_cast<KEVENT*>(left.Context)), false;
  facts.kept_by_maker = irp.with_its_maker();
  DEVICE_OBJECT* device = irp.with_its_maker() ? nullptr : irp.current().DeviceObject;
  const bool pending = irp->PendingReturned;
  const NTSTATUS answer = services_.call("completion routine", EntryKind::routine, left.CompletionRoutine, device, raw, left.Context);
  if (answer == STATUS_MORE_PROCESSING_REQUIRED) return false;
  const CodePlace routine{.rip = reinterpret_cast<std::uint64_t>(left.CompletionRoutine), .rsp = 0, .rbp = 0, .is_return_address = false};
  IrpFacts* still = book_.find(raw, serial);
  if (still == nullptr || still->freed) {  // DOC: VER-77
    services_.broken("VER-77", "0xC9/0x20B", fmt::format("the completion routine freed IRP {} and did not return STATUS_MORE_PROCESSING_REQUIRED", serial), routine);
    return false;
  }
  still->kept_by_maker = false;
  if (pending && !irp.with_its_maker() && (irp.current().Control & SL_PENDING_RETURNED) == 0)  // DOC: VER-79
    services_.broken("VER-79", "0xC9/0x228", fmt::format("the completion routine was given IRP {} with PendingReturned and did not mark it pending", serial), routine);
  return true;
}

bool IoManager::forward(DEVICE_OBJECT* device, IRP* raw, KEVENT* back, const CodePlace& where) {
  const Irp irp(raw);
  if (!irp.has_location_below() || irp.with_its_maker()) return false;
  irp.next() = irp.current();
  irp.next().Control = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;
  irp.next().CompletionRoutine = &wake_forwarder;
  irp.next().Context = back;
  call_driver(device, raw, where);
  return true;
}

// DOC: BUF-83 VER-70 VER-111 VER-112 VER-79
bool IoManager::may_be_completed(IRP* raw, IrpFacts* facts, const CodePlace& where) {
  if (facts == nullptr) return services_.broken("BUF-83", "0xC9/0x03", "IoCompleteRequest was given something that is no IRP", where), false;
  if (facts->freed || facts->completed) {
    services_.broken("VER-111", "0x44", fmt::format("IRP {} is completed a second time", facts->serial), where, history_of(*facts));
    return false;
  }
  const Irp irp(raw);
  if (!irp.consistent() || (irp.with_its_maker() && !facts->kept_by_maker)) {
    services_.broken("VER-111", "0xC9/0x239", fmt::format("IoCompleteRequest was given IRP {}, which no driver has: it was never sent, or is on its way back already", facts->serial), where, history_of(*facts));
    return false;
  }
  if (!services_.call.checking() || where.rip == 0) return true;
  const auto broken = [&](std::string_view rule, std::string_view code, std::string text) { services_.broken(rule, code, std::move(text), where); };
  if (services_.scheduler.irql() > kDispatchLevel)
    broken("BUF-83", "0xC9/0x0E", fmt::format("IoCompleteRequest was called at IRQL {}, above DISPATCH_LEVEL", services_.scheduler.irql()));
  if (raw->IoStatus.Status == STATUS_PENDING || raw->IoStatus.Status == -1)
    broken("BUF-83", "0xC9/0x06", fmt::format("IRP {} is completed with {}", facts->serial, raw->IoStatus.Status == -1 ? "status 0xffffffff" : "STATUS_PENDING"));
  if (raw->CancelRoutine != nullptr)
    broken("BUF-83", "0xC9/0x07", fmt::format("IRP {} is completed with its cancel routine still set", facts->serial));
  if (const CallFrame* frame = services_.call.frame(); frame != nullptr && frame->locks_held != 0)
    broken("BUF-83", "", fmt::format("IRP {} is completed while a spin lock is held", facts->serial));
  if (const Dispatched* own = dispatch_of(*facts, where); own != nullptr && is_below(*facts, *own))  // DOC: VER-192
    broken("VER-192", "0xC9/0x209", fmt::format("IRP {} is completed while a driver below still has it: STATUS_PENDING of that driver was not heeded", facts->serial));
  if (!irp.with_its_maker()) look_at_state_answer(irp, *facts, where);
  return true;
}

void IoManager::pass(IrpFacts& facts, const Irp& irp, int location) {
  for (Dispatched& one : facts.dispatches) {
    if (one.location != location || one.passed) continue;
    one.passed = true;
    one.marked = (irp.current().Control & SL_PENDING_RETURNED) != 0;
    one.status_passed = irp->IoStatus.Status;
    judge(facts, one);
  }
  facts.drop_settled();
}

// --- the end ------------------------------------------------------------------------------------------------------------------

void IoManager::end(IrpFacts& facts, const CodePlace& where) {
  switch (facts.origin) {
    case IrpOrigin::request:
      facts.completed = true;
      look_at_information(facts, where);
      if (facts.owner == nullptr) return;  // given up: whoever waited is gone, and its buffers stay
      facts.owner->completed(facts.irp);
      book_.free(facts, where);  // DOC: BUF-84
      return;
    case IrpOrigin::threaded:
      look_at_information(facts, where);
      return end_threaded(facts, where);
    case IrpOrigin::associated: return end_associated(facts, where);
    default:  // DOC: VER-77
      services_.broken("VER-77", "", fmt::format("IRP {}, which came from {}, was completed to its end: a completion routine of its maker has to return STATUS_MORE_PROCESSING_REQUIRED, and free it",
                                                 facts.serial, maker_of(facts.origin)), facts.made_at, history_of(facts));
      facts.completed = true;
  }
}

// DOC: BUF-26 VER-75 the I/O manager believes the driver: what lies behind the buffer would go to the client.
void IoManager::look_at_information(const IrpFacts& facts, const CodePlace& where) {
  const IRP& irp = *facts.irp;
  if ((irp.Flags & IRP_INPUT_OPERATION) == 0 || !returns_data(irp.IoStatus.Status) || irp.IoStatus.Information <= facts.output_length) return;
  services_.broken("BUF-26", "0xC9/0x312", fmt::format("IRP {} is completed with IoStatus.Information {}, and its output buffer has {} bytes", facts.serial, irp.IoStatus.Information, facts.output_length), where);
}

// DOC: BUF-24 BUF-90 BUF-92 the I/O manager ends and frees what it built for a thread. DOC: BUF-82 a request that failed at
// once tells nobody but the one who called.
void IoManager::end_threaded(IrpFacts& facts, const CodePlace& where) {
  IRP* irp = facts.irp;
  facts.completed = true;
  const std::uint64_t serial = facts.serial;
  const NTSTATUS status = irp->IoStatus.Status;
  if (facts.system_buffer != nullptr && (irp->Flags & IRP_INPUT_OPERATION) != 0 && returns_data(status)) {
    const std::size_t bytes = std::min<std::size_t>(irp->IoStatus.Information, facts.output_length);
    if (bytes != 0) std::memcpy(facts.output, facts.system_buffer, bytes);
  }
  release_buffers(facts);
  const bool failed_at_once = !irp->PendingReturned && static_cast<std::uint32_t>(status) >> 30 == 3;
  const auto told = [&](auto* address, const char* what) -> decltype(address) {
    if (failed_at_once || address == nullptr) return nullptr;
    auto* alias = reinterpret_cast<decltype(address)>(host_.memory_at(address, sizeof *address, true));
    if (alias == nullptr) services_.broken("BUF-90", "", fmt::format("IRP {} was completed, and its {} is no memory of the driver (any more)", serial, what), where);
    return alias;
  };
  if (IO_STATUS_BLOCK* block = told(irp->UserIosb, "IO_STATUS_BLOCK")) *block = irp->IoStatus;
  KEVENT* event = told(irp->UserEvent, "event");
  book_.free(facts, where);
  if (event != nullptr) host_.set_event(event);
}

void IoManager::release_buffers(IrpFacts& facts) {
  for (MDL* mdl = facts.irp->MdlAddress; mdl != nullptr;) {  // DOC: BUF-47 BUF-85
    MDL* host = services_.memory.alias(mdl);
    if (host == nullptr) break;  // what a driver hung on the chain is no memory
    MDL* next = host->Next;
    services_.mdls.forget(host);
    (void)services_.pool.free(mdl);
    mdl = next;
  }
  facts.irp->MdlAddress = nullptr;
  if (facts.system_buffer != nullptr) (void)services_.pool.free(std::exchange(facts.system_buffer, nullptr));
}

// The master is completed with the last of its associated IRPs.
void IoManager::end_associated(IrpFacts& facts, const CodePlace& where) {
  IRP* master = facts.irp->AssociatedIrp.MasterIrp;
  facts.completed = true;
  release_buffers(facts);
  book_.free(facts, where);
  master->AssociatedIrp.IrpCount = master->AssociatedIrp.IrpCount - 1;
  if (master->AssociatedIrp.IrpCount == 0) complete(master, where);
}

// DOC: VER-77
void IoManager::free_irp(IRP* raw, const CodePlace& where) {
  IrpFacts* facts = book_.find(raw);
  if (facts == nullptr) return services_.broken("VER-77", "0xC9/0x01", "IoFreeIrp was given something that is no IRP", where);
  if (facts->freed) return services_.broken("VER-77", "0xC9/0x20A", fmt::format("IRP {} is freed a second time", facts->serial), where, history_of(*facts));
  if (facts->origin == IrpOrigin::request || facts->origin == IrpOrigin::threaded)
    return services_.broken("VER-77", "0xC9/0x02", fmt::format("IoFreeIrp of IRP {}, which came from {}: the I/O manager frees it", facts->serial, maker_of(facts->origin)), where);
  if (!Irp(raw).with_its_maker()) {
    services_.broken("VER-77", "0xC9/0x20B", fmt::format("IoFreeIrp of IRP {}, which a driver below still has", facts->serial), where);
    return;
  }
  if (services_.call.checking()) facts->freed_by = host_.stack_at(where);
  book_.free(*facts, where);
}

// --- cancelling ------------------------------------------------------------------------------------------------------------

Irql IoManager::acquire_cancel_lock(const CodePlace& where) {
  const Irql before = services_.scheduler.raise_irql(kDispatchLevel);
  if (cancel_lock_.acquire(services_.scheduler) == SpinLock::Acquired::recursive)
    services_.broken("VER-91", "", "IoAcquireCancelSpinLock: this CPU holds the cancel spin lock already", where);
  return before;
}

void IoManager::release_cancel_lock(Irql irql, const CodePlace& where) {
  if (!cancel_lock_.held_by(services_.scheduler.cpu())) services_.broken("VER-91", "", "IoReleaseCancelSpinLock: this CPU does not hold the cancel spin lock", where);
  cancel_lock_.release();
  services_.scheduler.lower_irql(irql);
}

// DOC: BUF-116
bool IoManager::cancel(IRP* raw, const CodePlace& where) {
  const IrpFacts* facts = book_.find(raw);
  if (facts == nullptr || facts->freed) {
    services_.broken("BUF-84", "", "IoCancelIrp was given an IRP that is freed, or none", where);
    return false;
  }
  const Irql before = acquire_cancel_lock(where);
  raw->Cancel = 1;
  const PDRIVER_CANCEL routine = std::exchange(raw->CancelRoutine, nullptr);
  if (routine == nullptr) {
    release_cancel_lock(before, where);
    return false;
  }
  raw->CancelIrql = before;
  DEVICE_OBJECT* device = Irp(raw).with_its_maker() ? nullptr : Irp(raw).current().DeviceObject;
  services_.call.lowering("cancel routine", routine, device, raw);
  const CodePlace where_it_begins{.rip = reinterpret_cast<std::uint64_t>(routine), .rsp = 0, .rbp = 0, .is_return_address = false};
  if (cancel_lock_.held_by(services_.scheduler.cpu())) {  // DOC: VER-91
    services_.broken("VER-91", "", "a cancel routine returned without releasing the cancel spin lock (IoReleaseCancelSpinLock(Irp->CancelIrql))", where_it_begins);
    release_cancel_lock(before, where);
  } else if (services_.scheduler.irql() != before) {  // DOC: VER-86
    services_.broken("VER-86", "", fmt::format("a cancel routine returned at IRQL {}, and Irp->CancelIrql was {}", services_.scheduler.irql(), before), where_it_begins);
    services_.scheduler.lower_irql(before);
  }
  return true;
}

}  // namespace drydock
