// ntoskrnl.exe: queues of requests: StartIo (IoStart…Packet), cancel-safe queues (IoCsq…).

#include <fmt/format.h>

#include "abi/wdk_io.h"
#include "ddi/modules.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

IoManager& io(Call& call) { return call.kernel().io(); }

// DOC: VER-84
void check_at_dispatch(Call& call) {
  if (call.scheduler().irql() != kDispatchLevel) call.broken("VER-84", "0xC4/0x00020003", fmt::format("{} was called at IRQL {}; it must be DISPATCH_LEVEL", call.name(), call.scheduler().irql()));
}

// --- StartIo --------------------------------------------------------------------------------------------------------------

/// DOC: VER-115 False after a finding.
bool has_start_io(Call& call, DEVICE_OBJECT* device) {
  const bool known = io(call).devices().find(device) != nullptr;
  if (known && device->DriverObject->DriverStartIo != nullptr) return true;
  call.broken("VER-115", "", fmt::format("{} was given {}", call.name(), known ? "a device object whose driver has no StartIo routine" : "a device object that was never created, or is gone"));
  return false;
}
void start_packet(Call& call, DEVICE_OBJECT* device, IRP* irp, const ULONG* key, PDRIVER_CANCEL cancel) {
  const IrpFacts* facts = io(call).book().find(irp);
  if (facts == nullptr || facts->freed || facts->completed) return call.broken("BUF-84", "", "IoStartPacket was given an IRP that is completed, or none");
  const ULONG* host = key == nullptr ? nullptr : call.object(key, "Key");
  if (has_start_io(call, device)) io(call).start_io().packet(device, irp, host == nullptr ? std::nullopt : std::optional(*host), cancel, call.place());
}
// DOC: VER-84
void start_next_packet(Call& call, DEVICE_OBJECT* device, BOOLEAN cancelable) {
  check_at_dispatch(call);
  if (has_start_io(call, device)) io(call).start_io().next_packet(device, cancelable != FALSE, std::nullopt, call.place());
}
void start_next_packet_by_key(Call& call, DEVICE_OBJECT* device, BOOLEAN cancelable, ULONG key) {
  check_at_dispatch(call);
  if (has_start_io(call, device)) io(call).start_io().next_packet(device, cancelable != FALSE, key, call.place());
}
void set_start_io_attributes(Call& call, DEVICE_OBJECT* device, BOOLEAN deferred, BOOLEAN noncancelable) {
  if (io(call).devices().find(device) != nullptr) io(call).start_io().set_attributes(device, deferred != FALSE, noncancelable != FALSE);
}

// --- cancel-safe queues ---------------------------------------------------------------------------------------------------

/// An IO_CSQ and the driver's routines, called in its name.
class Csq {
 public:
  Csq(Call& call, IO_CSQ* address) : call_(call), address_(address), host_(call.object(address, "Csq")) {}
  bool exists() const { return host_ != nullptr; }
  UCHAR lock() {
    UCHAR irql = 0;
    enter(host_->CsqAcquireLock, address_, &irql);
    return irql;
  }
  void unlock(UCHAR irql) { enter(host_->CsqReleaseLock, address_, irql); }
  NTSTATUS insert(IRP* irp, void* context) {
    if (host_->Type == IO_TYPE_CSQ_EX) return enter(reinterpret_cast<PIO_CSQ_INSERT_IRP_EX>(reinterpret_cast<void*>(host_->CsqInsertIrp)), address_, irp, context);
    enter(host_->CsqInsertIrp, address_, irp);
    return STATUS_SUCCESS;
  }
  void remove(IRP* irp) { enter(host_->CsqRemoveIrp, address_, irp); }
  IRP* peek(IRP* after, void* context) { return enter(host_->CsqPeekNextIrp, address_, after, context); }
  void complete_cancelled(IRP* irp) { enter(host_->CsqCompleteCanceledIrp, address_, irp); }
  IO_CSQ* address() const { return address_; }

 private:
  // As part of whatever routine called us: a lock that is taken here is that routine's, and so is the level.
  template <class R, class... A>
  R enter(R(MSABI* routine)(A...), std::type_identity_t<A>... arguments) {
    const Entered<R> entered = enter_driver(call_.scheduler().fiber(), EntryKind::routine, routine, arguments...);
    if (entered.aborted) call_.scheduler().halt();
    if constexpr (!std::is_void_v<R>) return entered.value;
  }
  Call& call_;
  IO_CSQ* address_;
  IO_CSQ* host_;
};

/// What an IRP in a queue knows of it: DriverContext[3] holds the queue, or the driver's context, which names the queue.
void*& link_of(IRP* irp) { return irp->Tail.Overlay.DriverContext[3]; }

IO_CSQ* queue_of(Call& call, IRP* irp, IO_CSQ_IRP_CONTEXT** context) {
  auto* at = static_cast<IO_CSQ_IRP_CONTEXT*>(link_of(irp));
  *context = nullptr;
  auto* host = call.object(at, "DriverContext[3]");
  if (host == nullptr || host->Type != IO_TYPE_CSQ_IRP_CONTEXT) return reinterpret_cast<IO_CSQ*>(at);
  *context = host;
  return host->Csq;
}

/// The I/O manager's cancel routine for what lies in such a queue; called with the cancel spin lock held.
MSABI void NTAPI csq_cancel(DEVICE_OBJECT*, IRP* irp) noexcept {
  Call call("IoCsqCancelRoutine", kAnyIrql, __builtin_frame_address(0));
  io(call).release_cancel_lock(irp->CancelIrql, call.place());
  IO_CSQ_IRP_CONTEXT* context = nullptr;
  Csq csq(call, queue_of(call, irp, &context));
  if (!csq.exists()) return;
  const UCHAR irql = csq.lock();
  csq.remove(irp);
  if (context != nullptr) context->Irp = nullptr;
  link_of(irp) = nullptr;
  csq.unlock(irql);
  csq.complete_cancelled(irp);
}

bool initialize_csq(Call& call, IO_CSQ* csq, ULONG type, const IO_CSQ& routines) {
  IO_CSQ* host = call.object(csq, "Csq");
  if (host == nullptr) return false;
  *host = routines;
  host->Type = type;
  return true;
}
NTSTATUS csq_initialize(Call& call, IO_CSQ* csq, PIO_CSQ_INSERT_IRP insert, PIO_CSQ_REMOVE_IRP remove, PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire,
                        PIO_CSQ_RELEASE_LOCK release, PIO_CSQ_COMPLETE_CANCELED_IRP complete) {
  return initialize_csq(call, csq, IO_TYPE_CSQ, {IO_TYPE_CSQ, insert, remove, peek, acquire, release, complete, nullptr}) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
NTSTATUS csq_initialize_ex(Call& call, IO_CSQ* csq, PIO_CSQ_INSERT_IRP_EX insert, PIO_CSQ_REMOVE_IRP remove, PIO_CSQ_PEEK_NEXT_IRP peek, PIO_CSQ_ACQUIRE_LOCK acquire,
                           PIO_CSQ_RELEASE_LOCK release, PIO_CSQ_COMPLETE_CANCELED_IRP complete) {
  const IO_CSQ routines{IO_TYPE_CSQ_EX, reinterpret_cast<PIO_CSQ_INSERT_IRP>(reinterpret_cast<void*>(insert)), remove, peek, acquire, release, complete, nullptr};
  return initialize_csq(call, csq, IO_TYPE_CSQ_EX, routines) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

// Marked pending; one that is cancelled already ends in CsqCompleteCanceledIrp instead of the queue.
NTSTATUS csq_insert_ex(Call& call, IO_CSQ* address, IRP* irp, IO_CSQ_IRP_CONTEXT* context, void* insert_context) {
  Csq csq(call, address);
  if (!csq.exists()) return STATUS_INVALID_PARAMETER;
  IO_CSQ_IRP_CONTEXT* host = context == nullptr ? nullptr : call.object(context, "Context");
  if (host != nullptr) *host = {IO_TYPE_CSQ_IRP_CONTEXT, irp, address};
  const UCHAR irql = csq.lock();
  link_of(irp) = host != nullptr ? static_cast<void*>(context) : address;
  Irp(irp).current().Control |= SL_PENDING_RETURNED;
  const NTSTATUS status = csq.insert(irp, insert_context);
  if (status < 0) return link_of(irp) = nullptr, csq.unlock(irql), status;
  irp->CancelRoutine = &csq_cancel;
  const bool cancelled = irp->Cancel && std::exchange(irp->CancelRoutine, nullptr) != nullptr;
  if (cancelled) {
    csq.remove(irp);
    link_of(irp) = nullptr;
    if (host != nullptr) host->Irp = nullptr;
  }
  csq.unlock(irql);
  if (cancelled) csq.complete_cancelled(irp);
  return status;
}
void csq_insert(Call& call, IO_CSQ* csq, IRP* irp, IO_CSQ_IRP_CONTEXT* context) { csq_insert_ex(call, csq, irp, context, nullptr); }

/// With the queue locked: out of it, unless a cancel routine has begun and will take it out. Its context forgets it.
bool take_out(Call& call, Csq& csq, IRP* irp) {
  if (std::exchange(irp->CancelRoutine, nullptr) == nullptr) return false;
  csq.remove(irp);
  IO_CSQ_IRP_CONTEXT* context = nullptr;
  queue_of(call, irp, &context);
  if (context != nullptr) context->Irp = nullptr;
  link_of(irp) = nullptr;
  return true;
}

IRP* csq_remove_next(Call& call, IO_CSQ* address, void* peek_context) {
  Csq csq(call, address);
  if (!csq.exists()) return nullptr;
  const UCHAR irql = csq.lock();
  IRP* irp = csq.peek(nullptr, peek_context);
  while (irp != nullptr && !take_out(call, csq, irp)) irp = csq.peek(irp, peek_context);
  csq.unlock(irql);
  return irp;
}

IRP* csq_remove(Call& call, IO_CSQ* address, IO_CSQ_IRP_CONTEXT* context) {
  Csq csq(call, address);
  const IO_CSQ_IRP_CONTEXT* host = call.object(context, "Context");
  if (!csq.exists() || host == nullptr) return nullptr;
  const UCHAR irql = csq.lock();
  IRP* irp = host->Irp;
  if (irp != nullptr && !take_out(call, csq, irp)) irp = nullptr;
  csq.unlock(irql);
  return irp;
}

}  // namespace

std::vector<Row> io_queue_rows() {
  return {
      routine<"IoStartPacket", kDispatchLevel, &start_packet>(kModule, "nf-wdm-iostartpacket"),
      routine<"IoStartNextPacket", kDispatchLevel, &start_next_packet>(kModule, "nf-wdm-iostartnextpacket"),
      routine<"IoStartNextPacketByKey", kDispatchLevel, &start_next_packet_by_key>(kModule, "nf-wdm-iostartnextpacketbykey"),
      routine<"IoSetStartIoAttributes", kAnyIrql, &set_start_io_attributes>(kModule, "nf-wdm-iosetstartioattributes"),
      routine<"IoCsqInitialize", kAnyIrql, &csq_initialize>(kModule, "nf-wdm-iocsqinitialize"),
      routine<"IoCsqInitializeEx", kAnyIrql, &csq_initialize_ex>(kModule, "nf-wdm-iocsqinitializeex"),
      routine<"IoCsqInsertIrp", kDispatchLevel, &csq_insert>(kModule, "nf-wdm-iocsqinsertirp"),
      routine<"IoCsqInsertIrpEx", kDispatchLevel, &csq_insert_ex>(kModule, "nf-wdm-iocsqinsertirpex"),
      routine<"IoCsqRemoveNextIrp", kDispatchLevel, &csq_remove_next>(kModule, "nf-wdm-iocsqremovenextirp"),
      routine<"IoCsqRemoveIrp", kDispatchLevel, &csq_remove>(kModule, "nf-wdm-iocsqremoveirp"),
  };
}

}  // namespace drydock::ddi
