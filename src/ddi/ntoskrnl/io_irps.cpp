// ntoskrnl.exe: Io…: IRPs: making, sending, completing, cancelling.

#include <fmt/format.h>

#include "ddi/modules.h"
#include "ddi/raise.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

IoManager& io(Call& call) { return call.kernel().io(); }

// --- making and freeing ----------------------------------------------------------------------------------------------------

IRP* allocate_irp(Call& call, CCHAR stack_size, BOOLEAN) {
  if (stack_size < 1 || stack_size > Irp::kStackMax) return nullptr;
  IrpFacts* facts = io(call).book().allocate(stack_size, IrpOrigin::allocated, call.place());
  return facts == nullptr ? nullptr : facts->irp;
}

void free_irp(Call& call, IRP* irp) { io(call).free_irp(irp, call.place()); }

// DOC: VER-77 an IRP that IoAllocateIrp made is initialised already.
void initialize_irp(Call& call, IRP* irp, USHORT bytes, CCHAR stack_size) {
  if (stack_size < 1 || bytes < Irp::size_of(stack_size) || call.range(irp, bytes, true, "Irp") == nullptr) return;
  const IrpFacts* known = io(call).book().find(irp);
  if (known != nullptr && !known->freed && known->origin != IrpOrigin::initialized)
    return call.broken("VER-77", "0xC9/0x20D", fmt::format("IoInitializeIrp was given IRP {}, which came from {}: IoReuseIrp is for that", known->serial, maker_of(known->origin)));
  Irp::format(irp, bytes, stack_size);
  io(call).book().adopt(irp, bytes, call.place());
}

void reuse_irp(Call& call, IRP* irp, NTSTATUS status) {
  IrpFacts* facts = io(call).book().find(irp);
  if (facts == nullptr || facts->freed) return call.broken("BUF-84", "", "IoReuseIrp was given an IRP that is freed, or none");
  if (facts->origin != IrpOrigin::allocated && facts->origin != IrpOrigin::initialized)
    return call.broken("VER-77", "", fmt::format("IoReuseIrp was given IRP {}, which came from {}: only IRPs that the driver allocated can be used again", facts->serial, maker_of(facts->origin)));
  if (!Irp(irp).with_its_maker())
    return call.broken("VER-77", "0xC9/0x20A", fmt::format("IoReuseIrp was given IRP {}, which a driver below still has", facts->serial));
  Irp::format(irp, facts->bytes, irp->StackCount);
  irp->IoStatus.Status = status;
  facts->completed = false;
  facts->dispatches.clear();
}

IRP* make_associated_irp(Call& call, IRP* master, CCHAR stack_size) {
  const IrpFacts* known = io(call).book().find(master);
  if (known == nullptr || known->freed || stack_size < 1 || stack_size > Irp::kStackMax) return nullptr;
  IrpFacts* facts = io(call).book().allocate(stack_size, IrpOrigin::associated, call.place());
  if (facts == nullptr) return nullptr;
  IRP* irp = facts->irp;
  irp->Flags = IRP_ASSOCIATED_IRP;
  irp->AssociatedIrp.MasterIrp = master;
  irp->Tail.Overlay.Thread = master->Tail.Overlay.Thread;
  return irp;
}

// --- sending and completing ------------------------------------------------------------------------------------------------

NTSTATUS call_driver(Call& call, DEVICE_OBJECT* device, IRP* irp) { return io(call).call_driver(device, irp, call.place()); }
void complete_request(Call& call, IRP* irp, CCHAR) { io(call).complete(irp, call.place()); }

/// The same as IoSetCompletionRoutine, and the driver cannot be unloaded before it has run.
NTSTATUS set_completion_routine_ex(Call& call, DEVICE_OBJECT*, IRP* irp, PIO_COMPLETION_ROUTINE routine, void* context, BOOLEAN success, BOOLEAN error, BOOLEAN cancelled) {
  if (call.object(irp, "Irp") == nullptr) return STATUS_INVALID_PARAMETER;
  IO_STACK_LOCATION& next = Irp(irp).next();
  next.CompletionRoutine = routine;
  next.Context = context;
  next.Control = static_cast<UCHAR>((success ? SL_INVOKE_ON_SUCCESS : 0) | (error ? SL_INVOKE_ON_ERROR : 0) | (cancelled ? SL_INVOKE_ON_CANCEL : 0));
  return STATUS_SUCCESS;
}

// --- cancelling -----------------------------------------------------------------------------------------------------------

BOOLEAN cancel_irp(Call& call, IRP* irp) { return io(call).cancel(irp, call.place()); }
void acquire_cancel_lock(Call& call, UCHAR* irql) {
  UCHAR* host = call.object(irql, "Irql");
  const Irql before = io(call).acquire_cancel_lock(call.place());
  if (host != nullptr) *host = before;
}
void release_cancel_lock(Call& call, UCHAR irql) { io(call).release_cancel_lock(irql, call.place()); }

/// What a driver finds in MajorFunction where it has put nothing, and may call itself.
MSABI NTSTATUS NTAPI invalid_device_request(DEVICE_OBJECT*, IRP* irp) noexcept {
  Call call("IopInvalidDeviceRequest", kAnyIrql, __builtin_frame_address(0));
  irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
  irp->IoStatus.Information = 0;
  call.kernel().io().complete(irp, {});
  return STATUS_INVALID_DEVICE_REQUEST;
}

}  // namespace

PDRIVER_DISPATCH default_dispatch_routine() { return &invalid_device_request; }

std::vector<Row> io_irp_rows() {
  return {
      routine<"IoAllocateIrp", kDispatchLevel, &allocate_irp>(kModule, "nf-wdm-ioallocateirp"),
      routine<"IoFreeIrp", kDispatchLevel, &free_irp>(kModule, "nf-wdm-iofreeirp"),
      routine<"IoInitializeIrp", kDispatchLevel, &initialize_irp>(kModule, "nf-wdm-ioinitializeirp"),
      routine<"IoReuseIrp", kDispatchLevel, &reuse_irp>(kModule, "nf-wdm-ioreuseirp"),
      routine<"IoMakeAssociatedIrp", kDispatchLevel, &make_associated_irp>(kModule, "nf-ntddk-iomakeassociatedirp"),
      transparent_routine<"IofCallDriver", kAnyIrql, &call_driver>(kModule, "nf-wdm-iofcalldriver"),
      transparent_routine<"IoCallDriver", kAnyIrql, &call_driver>(kModule, "nf-wdm-iocalldriver"),
      transparent_routine<"PoCallDriver", kAnyIrql, &call_driver>(kModule, "nf-ntifs-pocalldriver"),
      routine<"IofCompleteRequest", kAnyIrql, &complete_request>(kModule, "nf-wdm-iocompleterequest"),
      routine<"IoCompleteRequest", kAnyIrql, &complete_request>(kModule, "nf-wdm-iocompleterequest"),
      routine<"IoSetCompletionRoutineEx", kDispatchLevel, &set_completion_routine_ex>(kModule, "nf-wdm-iosetcompletionroutineex"),
      routine<"IoCancelIrp", kDispatchLevel, &cancel_irp>(kModule, "nf-wdm-iocancelirp"),
      routine<"IoAcquireCancelSpinLock", kDispatchLevel, &acquire_cancel_lock>(kModule, "nf-wdm-ioacquirecancelspinlock"),
      routine<"IoReleaseCancelSpinLock", kDispatchLevel, &release_cancel_lock>(kModule, "nf-wdm-ioreleasecancelspinlock"),
  };
}

}  // namespace drydock::ddi
