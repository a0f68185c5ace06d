/* The documented ways to make a request and send it to another driver (scenarios 6 to 12 of Microsoft's cheat sheet, and
 * associated IRPs), one a build: reads and writes of the client go below in a request of the filter's own. None breaks a
 * rule. DOC: BUF-13 BUF-82 BUF-90 BUF-91 BUF-92 BUF-93 VER-77 */
#define ON_TRANSFER Transfer
#define ON_CONTROL Control
#define ON_ENTRY Prepare
#include "filter_driver.h"

#define TAG 0x6B614D74

/* What goes below: a copy of what the client writes, or room for what it reads. */
MAYBE_UNUSED static PVOID OwnBuffer(PIRP irp) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  PVOID buffer = ExAllocatePoolWithTag(NonPagedPool, stack->Parameters.Read.Length, TAG);
  if (buffer != NULL && stack->MajorFunction == IRP_MJ_WRITE) RtlCopyMemory(buffer, DataOf(irp), stack->Parameters.Read.Length);
  return buffer;
}
MAYBE_UNUSED static void GiveToClient(PIRP irp, PVOID buffer, ULONG_PTR bytes) {
  if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ) RtlCopyMemory(DataOf(irp), buffer, bytes);
}

#define IOCTL_LENGTH CODE(0, METHOD_BUFFERED)
#define IOCTL_READ CODE(1, METHOD_OUT_DIRECT)
#define IOCTL_EXCHANGE CODE(2, METHOD_NEITHER)
#define IOCTL_WAIT CODE(3, METHOD_BUFFERED)

#if defined(BUILDS_SYNCHRONOUSLY) || defined(KEEPS_ITS_SYNCHRONOUS_IRP)
static void Prepare(PDEVICE_OBJECT device) { (void)device; }
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }

static IO_COMPLETION_ROUTINE Back;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device;
#ifdef KEEPS_ITS_SYNCHRONOUS_IRP
  if (irp->PendingReturned) KeSetEvent((PKEVENT)context, IO_NO_INCREMENT, FALSE);
  return STATUS_MORE_PROCESSING_REQUIRED;
#else
  (void)irp;
  ExFreePool(context);
  return STATUS_CONTINUE_COMPLETION;
#endif
}

static NTSTATUS Send(PDEVICE_OBJECT below, PIO_STACK_LOCATION stack, PVOID buffer, IO_STATUS_BLOCK *io) {
  KEVENT event;
  NTSTATUS status;
  PIRP own;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  own = IoBuildSynchronousFsdRequest(stack->MajorFunction, below, buffer, stack->Parameters.Read.Length, &stack->Parameters.Read.ByteOffset, &event, io);
  if (own == NULL) return STATUS_INSUFFICIENT_RESOURCES;
#ifdef KEEPS_ITS_SYNCHRONOUS_IRP
  {
    BOOLEAN at_once = TRUE;
    IoSetCompletionRoutine(own, Back, &event, TRUE, TRUE, TRUE);
    status = IoCallDriver(below, own);
    if (status == STATUS_PENDING) {
      KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
      status = own->IoStatus.Status;
      at_once = FALSE;
    }
    KeClearEvent(&event);
    IoCompleteRequest(own, IO_NO_INCREMENT);
    if (!(NT_ERROR(status) && at_once)) KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
  }
#else
  IoSetCompletionRoutine(own, Back, ExAllocatePoolWithTag(NonPagedPool, sizeof(ULONG), TAG), TRUE, TRUE, TRUE);
  status = IoCallDriver(below, own);
  if (status == STATUS_PENDING) {
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    status = io->Status;
  }
#endif
  return status;
}

NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  PVOID buffer = OwnBuffer(irp);
  IO_STATUS_BLOCK io = {{0}, 0};
  NTSTATUS status;
  if (buffer == NULL) return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  status = Send(Below(device), stack, buffer, &io);
  if (NT_SUCCESS(status)) GiveToClient(irp, buffer, io.Information);
  ExFreePoolWithTag(buffer, TAG);
  return Complete(irp, status, NT_SUCCESS(status) ? io.Information : 0);
}

#elif defined(BUILDS_ASYNCHRONOUSLY) || defined(ALLOCATES_ITS_IRP)
static void Prepare(PDEVICE_OBJECT device) { (void)device; }
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }

typedef struct {
  PIRP Client;
  PVOID Buffer;
} SENT;

static IO_COMPLETION_ROUTINE Back;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  SENT *sent = (SENT *)context;
  PMDL mdl, next;
  (void)device;
  if (NT_SUCCESS(irp->IoStatus.Status))
    GiveToClient(sent->Client, irp->AssociatedIrp.SystemBuffer != NULL ? irp->AssociatedIrp.SystemBuffer : sent->Buffer, irp->IoStatus.Information);
  sent->Client->IoStatus = irp->IoStatus;
  if (irp->AssociatedIrp.SystemBuffer != NULL && (irp->Flags & IRP_DEALLOCATE_BUFFER)) ExFreePool(irp->AssociatedIrp.SystemBuffer);
  for (mdl = irp->MdlAddress; mdl != NULL; mdl = next) {
    next = mdl->Next;
#ifdef BUILDS_ASYNCHRONOUSLY
    MmUnlockPages(mdl);
#endif
    IoFreeMdl(mdl);
  }
  irp->MdlAddress = NULL;
  IoFreeIrp(irp);
  IoCompleteRequest(sent->Client, IO_NO_INCREMENT);
  ExFreePoolWithTag(sent->Buffer, TAG);
  ExFreePoolWithTag(sent, TAG);
  return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP OwnIrp(PDEVICE_OBJECT below, PIO_STACK_LOCATION stack, PVOID buffer) {
#ifdef BUILDS_ASYNCHRONOUSLY
  return IoBuildAsynchronousFsdRequest(stack->MajorFunction, below, buffer, stack->Parameters.Read.Length, &stack->Parameters.Read.ByteOffset, NULL);
#else
  PIRP irp = IoAllocateIrp(below->StackSize, FALSE);
  PIO_STACK_LOCATION next;
  if (irp == NULL) return NULL;
  next = IoGetNextIrpStackLocation(irp);
  next->MajorFunction = stack->MajorFunction;
  next->Parameters.Read.Length = stack->Parameters.Read.Length;
  next->Parameters.Read.ByteOffset = stack->Parameters.Read.ByteOffset;
  if ((below->Flags & DO_BUFFERED_IO) != 0) irp->AssociatedIrp.SystemBuffer = buffer;
  else if ((irp->MdlAddress = IoAllocateMdl(buffer, stack->Parameters.Read.Length, FALSE, FALSE, NULL)) != NULL) MmBuildMdlForNonPagedPool(irp->MdlAddress);
  return irp;
#endif
}

NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  SENT *sent = (SENT *)ExAllocatePoolWithTag(NonPagedPool, sizeof *sent, TAG);
  PIRP own;
  if (sent == NULL) return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  sent->Client = irp;
  sent->Buffer = OwnBuffer(irp);
  own = sent->Buffer == NULL ? NULL : OwnIrp(Below(device), IoGetCurrentIrpStackLocation(irp), sent->Buffer);
  if (own == NULL) {
    if (sent->Buffer != NULL) ExFreePoolWithTag(sent->Buffer, TAG);
    ExFreePoolWithTag(sent, TAG);
    return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  }
  IoMarkIrpPending(irp);
  IoSetCompletionRoutine(own, Back, sent, TRUE, TRUE, TRUE);
  IoCallDriver(Below(device), own);
  return STATUS_PENDING;
}

#elif defined(ASSOCIATES_TWO)
/* Of a request with an MDL: two halves, each with one of its own; the client's request ends with the second of them. */
static void Prepare(PDEVICE_OBJECT device) { (void)device; }
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }

/* An error of a half is the whole's. */
static IO_COMPLETION_ROUTINE HalfIsBack;
static NTSTATUS NTAPI HalfIsBack(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  PIRP master = (PIRP)context;
  (void)device;
  if (!NT_SUCCESS(irp->IoStatus.Status)) {
    master->IoStatus.Status = irp->IoStatus.Status;
    master->IoStatus.Information = 0;
  }
  return STATUS_CONTINUE_COMPLETION;
}

static PIRP Half(PDEVICE_OBJECT below, PIRP master, ULONG from, ULONG bytes) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(master), next;
  PCHAR address = (PCHAR)MmGetMdlVirtualAddress(master->MdlAddress) + from;
  PIRP irp = IoMakeAssociatedIrp(master, below->StackSize);
  if (irp == NULL) return NULL;
  next = IoGetNextIrpStackLocation(irp);
  next->MajorFunction = stack->MajorFunction;
  next->Parameters.Read.Length = bytes;
  next->Parameters.Read.ByteOffset.QuadPart = stack->Parameters.Read.ByteOffset.QuadPart + from;
  irp->MdlAddress = IoAllocateMdl(address, bytes, FALSE, FALSE, NULL);
  IoBuildPartialMdl(master->MdlAddress, irp->MdlAddress, address, bytes);
  IoSetCompletionRoutine(irp, HalfIsBack, master, TRUE, TRUE, TRUE);
  return irp;
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length, first = length / 2;
  PIRP low, high;
  if (length < 2) return PassOn(device, irp);
  IoMarkIrpPending(irp);
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = length;
  irp->AssociatedIrp.IrpCount = 2;
  low = Half(Below(device), irp, 0, first);
  high = Half(Below(device), irp, first, length - first);
  IoCallDriver(Below(device), low);
  IoCallDriver(Below(device), high);
  return STATUS_PENDING;
}

#elif defined(BUILDS_CONTROLS)
/* Reads by a control code; a write is an exchange by an internal one, of the first bytes. */
static void Prepare(PDEVICE_OBJECT device) { (void)device; }
static NTSTATUS Send(PDEVICE_OBJECT below, ULONG code, PVOID in, ULONG in_bytes, PVOID out, ULONG out_bytes, BOOLEAN internal, ULONG_PTR *information) {
  KEVENT event;
  IO_STATUS_BLOCK io = {{0}, 0};
  NTSTATUS status;
  PIRP own;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  own = IoBuildDeviceIoControlRequest(code, below, in, in_bytes, out, out_bytes, internal, &event, &io);
  if (own == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  status = IoCallDriver(below, own);
  if (status == STATUS_PENDING) {
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    status = io.Status;
  }
  *information = io.Information;
  return status;
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  PVOID buffer = OwnBuffer(irp);
  ULONG offset = (ULONG)stack->Parameters.Read.ByteOffset.QuadPart, length = stack->Parameters.Read.Length;
  ULONG_PTR information = 0;
  NTSTATUS status;
  if (buffer == NULL) return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  if (stack->MajorFunction == IRP_MJ_READ) status = Send(Below(device), IOCTL_READ, &offset, sizeof offset, buffer, length, FALSE, &information);
  else status = Send(Below(device), IOCTL_EXCHANGE, buffer, length, buffer, length, TRUE, &information);
  if (NT_SUCCESS(status)) GiveToClient(irp, buffer, information);
  ExFreePoolWithTag(buffer, TAG);
  return Complete(irp, status, NT_SUCCESS(status) ? information : 0);
}
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp) {
  ULONG bytes = 0; /* on the stack */
  ULONG_PTR information = 0;
  NTSTATUS status;
  if (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode != IOCTL_LENGTH) return PassOn(device, irp);
  status = Send(Below(device), IOCTL_LENGTH, NULL, 0, &bytes, sizeof bytes, FALSE, &information);
  if (!NT_SUCCESS(status)) return Complete(irp, status, 0);
  *(ULONG *)irp->AssociatedIrp.SystemBuffer = bytes;
  return Complete(irp, status, information);
}

#elif defined(CANCELS_AFTER_A_TIME)
static void Prepare(PDEVICE_OBJECT device) { (void)device; }
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }
enum { CANCELABLE, CANCEL_STARTED, CANCEL_COMPLETE, COMPLETED };

static IO_COMPLETION_ROUTINE Back;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device, (void)irp;
  return InterlockedExchange((PLONG)context, COMPLETED) == CANCEL_STARTED ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_CONTINUE_COMPLETION;
}
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp) {
  KEVENT event;
  IO_STATUS_BLOCK io;
  LARGE_INTEGER due;
  LONG lock = CANCELABLE;
  NTSTATUS status;
  PIRP own;
  if (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode != IOCTL_WAIT) return PassOn(device, irp);
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  own = IoBuildDeviceIoControlRequest(IOCTL_WAIT, Below(device), NULL, 0, NULL, 0, FALSE, &event, &io);
  if (own == NULL) return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  IoSetCompletionRoutine(own, Back, &lock, TRUE, TRUE, TRUE);
  status = IoCallDriver(Below(device), own);
  if (status == STATUS_PENDING) {
    due.QuadPart = -10000 * 50;
    status = KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &due);
    if (status == STATUS_TIMEOUT) {
      if (InterlockedExchange(&lock, CANCEL_STARTED) == CANCELABLE) {
        IoCancelIrp(own);
        if (InterlockedExchange(&lock, CANCEL_COMPLETE) == COMPLETED) IoCompleteRequest(own, IO_NO_INCREMENT);
      }
      KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    }
    status = io.Status;
  }
  return Complete(irp, status, 0);
}

#elif defined(CANCELS_IN_ANOTHER_THREAD)
enum { CANCELABLE, CANCEL_STARTED, CANCEL_COMPLETE, COMPLETED };
static PIRP g_Pending;
static LONG g_Lock = COMPLETED;
static KEVENT g_Free;
static NTSTATUS g_Status;

static void Prepare(PDEVICE_OBJECT device) {
  (void)device;
  KeInitializeEvent(&g_Free, SynchronizationEvent, TRUE);
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }

static IO_COMPLETION_ROUTINE Back;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device, (void)context;
  g_Status = irp->IoStatus.Status;
  if (InterlockedExchange(&g_Lock, COMPLETED) == CANCEL_STARTED) return STATUS_MORE_PROCESSING_REQUIRED;
  IoFreeIrp(irp);
  g_Pending = NULL;
  KeSetEvent(&g_Free, IO_NO_INCREMENT, FALSE);
  return STATUS_MORE_PROCESSING_REQUIRED;
}
static NTSTATUS Send(PDEVICE_OBJECT below) {
  PIO_STACK_LOCATION next;
  KeWaitForSingleObject(&g_Free, Executive, KernelMode, FALSE, NULL);
  g_Pending = IoAllocateIrp(below->StackSize, FALSE);
  g_Lock = CANCELABLE;
  IoSetCompletionRoutine(g_Pending, Back, NULL, TRUE, TRUE, TRUE);
  next = IoGetNextIrpStackLocation(g_Pending);
  next->MajorFunction = IRP_MJ_DEVICE_CONTROL;
  next->Parameters.DeviceIoControl.IoControlCode = IOCTL_WAIT;
  IoCallDriver(below, g_Pending);
  return STATUS_SUCCESS;
}
static NTSTATUS CancelIt(void) {
  if (InterlockedExchange(&g_Lock, CANCEL_STARTED) == CANCELABLE) {
    IoCancelIrp(g_Pending);
    if (InterlockedExchange(&g_Lock, CANCEL_COMPLETE) == COMPLETED) {
      IoFreeIrp(g_Pending);
      g_Pending = NULL;
      KeSetEvent(&g_Free, IO_NO_INCREMENT, FALSE);
    }
  }
  KeWaitForSingleObject(&g_Free, Executive, KernelMode, FALSE, NULL);
  KeSetEvent(&g_Free, IO_NO_INCREMENT, FALSE);
  return g_Status;
}
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp) {
  switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case CODE(4, METHOD_BUFFERED):
      return Complete(irp, Send(Below(device)), 0);
    case CODE(5, METHOD_BUFFERED):
      return Complete(irp, CancelIt(), 0);
    default:
      return PassOn(device, irp);
  }
}
#endif
