/* The documented ways to forward a request (scenarios 1 to 5 of Microsoft's cheat sheet), one a build. None breaks a rule.
 * DOC: BUF-84 BUF-86 VER-72 VER-73 VER-77 VER-79 VER-112 VER-114 */
#define ON_TRANSFER Transfer
#include "filter_driver.h"

#if defined(FORWARDS_AND_FORGETS)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }

#elif defined(FORWARDS_AND_WAITS)
static IO_COMPLETION_ROUTINE Back;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device;
  if (irp->PendingReturned) KeSetEvent((PKEVENT)context, IO_NO_INCREMENT, FALSE);
  return STATUS_MORE_PROCESSING_REQUIRED;
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  KEVENT event;
  NTSTATUS status;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  IoCopyCurrentIrpStackLocationToNext(irp);
  IoSetCompletionRoutine(irp, Back, &event, TRUE, TRUE, TRUE);
  status = IoCallDriver(Below(device), irp);
  if (status == STATUS_PENDING) {
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    status = irp->IoStatus.Status;
  }
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

#elif defined(FORWARDS_SYNCHRONOUSLY)
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  NTSTATUS status;
  if (!IoForwardIrpSynchronously(Below(device), irp)) return Complete(irp, STATUS_UNSUCCESSFUL, 0);
  status = irp->IoStatus.Status;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

#elif defined(LOOKS_ON_THE_WAY_UP) || defined(COMPLETES_ON_THE_WAY_UP)
static IO_COMPLETION_ROUTINE Back;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device, (void)context;
  if (irp->PendingReturned) IoMarkIrpPending(irp);
#ifdef COMPLETES_ON_THE_WAY_UP
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return STATUS_MORE_PROCESSING_REQUIRED;
#else
  return STATUS_CONTINUE_COMPLETION;
#endif
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  IoCopyCurrentIrpStackLocationToNext(irp);
  IoSetCompletionRoutine(irp, Back, NULL, TRUE, TRUE, TRUE);
  return IoCallDriver(Below(device), irp);
}

#elif defined(PENDS_AND_FORWARDS)
static IO_COMPLETION_ROUTINE Back;
static NTSTATUS NTAPI Back(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device, (void)irp, (void)context;
  return STATUS_CONTINUE_COMPLETION;
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  IoMarkIrpPending(irp);
  IoCopyCurrentIrpStackLocationToNext(irp);
  IoSetCompletionRoutine(irp, Back, NULL, TRUE, TRUE, TRUE);
  IoCallDriver(Below(device), irp);
  return STATUS_PENDING;
}

#elif defined(FORWARDS_TWICE)
/* The same IRP goes down a second time, from a work item, before it is completed. */
static IO_COMPLETION_ROUTINE BackOnce, BackTwice;
static IO_WORKITEM_ROUTINE Again;
static NTSTATUS NTAPI BackTwice(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device, (void)irp, (void)context;
  return STATUS_CONTINUE_COMPLETION;
}
static void NTAPI Again(PDEVICE_OBJECT device, PVOID context) {
  PIRP irp = (PIRP)context;
  IoFreeWorkItem((PIO_WORKITEM)irp->Tail.Overlay.DriverContext[0]);
  IoCopyCurrentIrpStackLocationToNext(irp);
  IoSetCompletionRoutine(irp, BackTwice, NULL, TRUE, TRUE, TRUE);
  IoCallDriver(Below(device), irp);
}
static NTSTATUS NTAPI BackOnce(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)device;
  irp->Tail.Overlay.DriverContext[0] = context;
  IoQueueWorkItem((PIO_WORKITEM)context, Again, DelayedWorkQueue, irp);
  return STATUS_MORE_PROCESSING_REQUIRED;
}
NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp) {
  PIO_WORKITEM item = IoAllocateWorkItem(device);
  if (item == NULL) return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  IoMarkIrpPending(irp);
  IoCopyCurrentIrpStackLocationToNext(irp);
  IoSetCompletionRoutine(irp, BackOnce, item, TRUE, TRUE, TRUE);
  IoCallDriver(Below(device), irp);
  return STATUS_PENDING;
}
#endif
