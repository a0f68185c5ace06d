/* A filter that makes one mistake with a request or its device, chosen by the build; the correct twin does the same right.
 * DOC: BUF-03 BUF-09 BUF-101 BUF-91 BUF-95 VER-71 VER-76 VER-78 VER-79 VER-192 */
#define ON_TRANSFER Transfer
#if defined(DIRECT_ABOVE_BUFFERED) && !defined(TWIN_CORRECT)
#define FLAGS_OF(below) DO_DIRECT_IO
#elif defined(BOTH_METHODS) && !defined(TWIN_CORRECT)
#define FLAGS_OF(below) (DO_DIRECT_IO | DO_BUFFERED_IO)
#endif
#ifdef ALIGNMENT_IS_NO_MASK
#define ON_ENTRY Align
#endif
#include "filter_driver.h"

MAYBE_UNUSED static IO_COMPLETION_ROUTINE Back, Stop;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) { /* EXPECT */
  (void)device, (void)context;
#ifdef PENDING_NOT_PROPAGATED
  if (CORRECT && irp->PendingReturned) IoMarkIrpPending(irp);
#else
  if (irp->PendingReturned) IoMarkIrpPending(irp);
#endif
  return STATUS_CONTINUE_COMPLETION;
}
static NTSTATUS NTAPI Stop(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device, (void)irp;
  KeSetEvent((PKEVENT)context, IO_NO_INCREMENT, FALSE);
  return STATUS_MORE_PROCESSING_REQUIRED;
}

#if defined(ALIGNMENT_IS_NO_MASK)
static void Align(PDEVICE_OBJECT device) { device->AlignmentRequirement = CORRECT ? FILE_128_BYTE_ALIGNMENT : 128; }
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }

#elif defined(DIRECT_ABOVE_BUFFERED) || defined(BOTH_METHODS)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }

#elif defined(PENDING_NOT_PROPAGATED)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  IoCopyCurrentIrpStackLocationToNext(irp);
  IoSetCompletionRoutine(irp, Back, NULL, TRUE, TRUE, TRUE);
  return IoCallDriver(Below(device), irp);
}

#elif defined(COMPLETES_WHAT_IS_BELOW) || defined(FORWARDS_WHAT_IS_BELOW)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  KEVENT event;
  NTSTATUS status;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  IoCopyCurrentIrpStackLocationToNext(irp);
  IoSetCompletionRoutine(irp, Stop, &event, TRUE, TRUE, TRUE);
  status = IoCallDriver(Below(device), irp);
  if (status == STATUS_PENDING && !CORRECT) {
#ifdef COMPLETES_WHAT_IS_BELOW
    IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
#else
    IoCallDriver(Below(device), irp); /* EXPECT */
#endif
  }
  KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
  status = irp->IoStatus.Status;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

#elif defined(MARKED_BEFORE_SKIPPED)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  if (CORRECT) return PassOn(device, irp);
  *IoGetNextIrpStackLocation(irp) = *IoGetCurrentIrpStackLocation(irp);
  IoGetNextIrpStackLocation(irp)->Control = SL_PENDING_RETURNED;
  return IoCallDriver(Below(device), irp); /* EXPECT */
}

#elif defined(CANCEL_ROUTINE_SENT_ALONG)
static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) {
  (void)device;
  IoReleaseCancelSpinLock(irp->CancelIrql);
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  IoSetCancelRoutine(irp, Cancel);
  if (CORRECT) IoSetCancelRoutine(irp, NULL);
  IoCopyCurrentIrpStackLocationToNext(irp);
  {
    NTSTATUS status = IoCallDriver(Below(device), irp); /* EXPECT */
    return status;
  }
}

#elif defined(BUILDS_FROM_NOWHERE)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  ULONG here = 0;
  LARGE_INTEGER offset = {{0, 0}};
  PIRP own = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, Below(device), CORRECT ? (PVOID)&here : (PVOID)(ULONG_PTR)0xFFFF800012345000ULL, sizeof here, &offset, NULL); /* EXPECT */
  if (own != NULL) {
    if (own->AssociatedIrp.SystemBuffer != NULL) ExFreePool(own->AssociatedIrp.SystemBuffer);
    IoFreeIrp(own);
  }
  return PassOn(device, irp);
}

#elif defined(CONTROLS_WITH_NOTHING)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  ULONG bytes = 0;
  IO_STATUS_BLOCK io;
  KEVENT event;
  PIRP own;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  own = IoBuildDeviceIoControlRequest(CODE(0, METHOD_BUFFERED), Below(device), NULL, 0, CORRECT ? &bytes : NULL, sizeof bytes, FALSE, &event, &io); /* EXPECT */
  if (own != NULL && IoCallDriver(Below(device), own) == STATUS_PENDING) KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
  return PassOn(device, irp);
}

#elif defined(BUILDS_WITHOUT_EVENT)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  ULONG bytes = 0;
  IO_STATUS_BLOCK io;
  KEVENT event;
  PIRP own;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  own = IoBuildDeviceIoControlRequest(CODE(0, METHOD_BUFFERED), Below(device), NULL, 0, &bytes, sizeof bytes, FALSE, CORRECT ? &event : NULL, &io);
  if (own != NULL) {
    NTSTATUS status = IoCallDriver(Below(device), own); /* EXPECT */
    if (status == STATUS_PENDING && CORRECT) KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
  }
  return PassOn(device, irp);
}

#elif defined(DETACHES_TWICE) || defined(DELETES_TWICE) || defined(DELETES_ATTACHED)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  PDEVICE_OBJECT own = NULL, below;
  IoCreateDevice(device->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &own);
  below = IoAttachDeviceToDeviceStack(own, device);
#ifndef DELETES_ATTACHED
  IoDetachDevice(below);
#else
  if (CORRECT) IoDetachDevice(below);
#endif
#ifdef DETACHES_TWICE
  if (!CORRECT) IoDetachDevice(below); /* EXPECT */
#endif
  IoDeleteDevice(own); /* EXPECT */
#ifdef DELETES_TWICE
  if (!CORRECT) IoDeleteDevice(own); /* EXPECT */
#endif
  return PassOn(device, irp);
}
#endif
