/* A dispatch routine that makes one mistake with its IRP, chosen by the build: see CMakeLists.txt. The correct twin of each
 * handles the same request as it should. DOC: BUF-83 BUF-84 VER-70 VER-72 VER-73 VER-77 VER-79 VER-111 */
#define ON_READ Read
#define EXTENSION_BYTES 256
#define ON_ENTRY Prepare
#include "plain_driver.h"

static KDPC g_Dpc;
static PIRP g_Waiting;
static KSPIN_LOCK g_Lock;

/* Completes what a dispatch routine left pending. */
static KDEFERRED_ROUTINE CompleteLater;
static void NTAPI CompleteLater(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  (void)dpc, (void)context, (void)argument1, (void)argument2;
  Complete(g_Waiting, STATUS_SUCCESS, 0);
}

static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)driver, (void)device;
  KeInitializeDpc(&g_Dpc, CompleteLater, NULL);
  KeInitializeSpinLock(&g_Lock);
  return STATUS_SUCCESS;
}

MAYBE_UNUSED static NTSTATUS Later(PIRP irp, int mark) {
  g_Waiting = irp;
  if (mark) IoMarkIrpPending(irp);
  KeInsertQueueDpc(&g_Dpc, NULL, NULL);
  return STATUS_PENDING;
}

#if defined(STATUS_DIFFERS)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { /* EXPECT */
  (void)device, (void)stack;
  Complete(irp, STATUS_DEVICE_NOT_READY, 0);
  return CORRECT ? STATUS_DEVICE_NOT_READY : STATUS_SUCCESS;
}

#elif defined(NEITHER_COMPLETED_NOR_PENDED)
static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) {
  (void)device;
  IoReleaseCancelSpinLock(irp->CancelIrql);
  Complete(irp, STATUS_CANCELLED, 0);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { /* EXPECT */
  (void)device, (void)stack;
  if (CORRECT) IoMarkIrpPending(irp);
  IoSetCancelRoutine(irp, Cancel);
  return CORRECT ? STATUS_PENDING : STATUS_SUCCESS;
}

#elif defined(PENDING_WITHOUT_MARK)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { /* EXPECT */
  (void)device, (void)stack;
  return Later(irp, CORRECT);
}

#elif defined(MARKED_NOT_PENDING)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { /* EXPECT */
  (void)device, (void)stack;
  if (!CORRECT) IoMarkIrpPending(irp);
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(COMPLETED_TWICE)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  Complete(irp, STATUS_SUCCESS, 0);
  if (!CORRECT) IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
  return STATUS_SUCCESS;
}

#elif defined(COMPLETED_WITH_PENDING)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  NTSTATUS status = CORRECT ? STATUS_SUCCESS : STATUS_PENDING;
  (void)device, (void)stack;
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = 0;
  IoMarkIrpPending(irp);
  IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
  return STATUS_PENDING;
}

#elif defined(COMPLETED_WITH_LOCK)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  KIRQL irql;
  (void)device, (void)stack;
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = 0;
  KeAcquireSpinLock(&g_Lock, &irql);
  if (CORRECT) KeReleaseSpinLock(&g_Lock, irql);
  IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
  if (!CORRECT) KeReleaseSpinLock(&g_Lock, irql);
  return STATUS_SUCCESS;
}

#elif defined(CANCEL_ROUTINE_LEFT)
static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) {
  (void)device;
  IoReleaseCancelSpinLock(irp->CancelIrql);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  IoSetCancelRoutine(irp, Cancel);
  if (CORRECT) IoSetCancelRoutine(irp, NULL);
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = 0;
  IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
  return STATUS_SUCCESS;
}

#elif defined(COMPLETED_ABOVE_DISPATCH)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  KIRQL irql;
  (void)device, (void)stack;
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = 0;
  KeRaiseIrql(CORRECT ? DISPATCH_LEVEL : DISPATCH_LEVEL + 1, &irql);
  IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
  KeLowerIrql(irql);
  return STATUS_SUCCESS;
}

#elif defined(FREES_FOREIGN_IRP)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PIRP own = IoAllocateIrp(1, FALSE);
  (void)device, (void)stack;
  if (own != NULL) IoFreeIrp(own);
  if (!CORRECT) IoFreeIrp(irp); /* EXPECT */
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(FREED_TWICE)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PIRP own = IoAllocateIrp(1, FALSE);
  (void)device, (void)stack;
  IoFreeIrp(own);
  if (!CORRECT) IoFreeIrp(own); /* EXPECT */
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(IRP_LEFT_BEHIND)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PIRP own;
  (void)device, (void)stack;
  own = IoAllocateIrp(1, FALSE); /* EXPECT */
  if (CORRECT && own != NULL) IoFreeIrp(own);
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(POOL_LEFT_BEHIND)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PVOID own;
  (void)device, (void)stack;
  own = ExAllocatePoolWithTag(NonPagedPoolNx, 24, 0x74736554); /* EXPECT */
  if (CORRECT && own != NULL) ExFreePoolWithTag(own, 0x74736554);
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(NEVER_COMPLETED)
static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) {
  (void)device;
  IoReleaseCancelSpinLock(irp->CancelIrql);
  Complete(irp, STATUS_CANCELLED, 0);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) { /* EXPECT */
  (void)device, (void)stack;
  IoMarkIrpPending(irp);
  if (CORRECT) IoSetCancelRoutine(irp, Cancel);
  return STATUS_PENDING;
}

#elif defined(CANCEL_LOCK_KEPT)
static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) { /* EXPECT */
  (void)device;
  if (CORRECT) IoReleaseCancelSpinLock(irp->CancelIrql);
  g_Waiting = irp;
  KeInsertQueueDpc(&g_Dpc, NULL, NULL);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  IoMarkIrpPending(irp);
  IoSetCancelRoutine(irp, Cancel);
  return STATUS_PENDING;
}

#elif defined(INFORMATION_TOO_LARGE)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG length = stack->Parameters.Read.Length;
  (void)device;
  RtlZeroMemory(irp->AssociatedIrp.SystemBuffer, length);
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = CORRECT ? length : length + 8;
  IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
  return STATUS_SUCCESS;
}

#elif defined(LEAKS_SYSTEM_BUFFER)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG length = stack->Parameters.Read.Length;
  (void)device;
  RtlFillMemory(irp->AssociatedIrp.SystemBuffer, CORRECT ? length : length / 2, 0x11);
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = length;
  IoCompleteRequest(irp, IO_NO_INCREMENT); /* EXPECT */
  return STATUS_SUCCESS;
}

#elif defined(NULL_MDL)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  if (CORRECT && irp->MdlAddress == NULL) return Complete(irp, STATUS_SUCCESS, 0);
  return Complete(irp, STATUS_SUCCESS, MmGetMdlByteCount(irp->MdlAddress)); /* EXPECT */
}

#elif defined(TOUCHED_AFTER_COMPLETION)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  NTSTATUS status = STATUS_END_OF_FILE;
  (void)device, (void)stack;
  Complete(irp, status, 0);
  return CORRECT ? status : irp->IoStatus.Status; /* EXPECT */
}

#elif defined(SYSTEM_BUFFER_OVERRUN)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  volatile UCHAR *buffer = irp->AssociatedIrp.SystemBuffer;
  ULONG length = stack->Parameters.Read.Length, i;
  (void)device;
  for (i = 0; i < length + (CORRECT ? 0 : 16); ++i) buffer[i] = 0; /* EXPECT */
  return Complete(irp, STATUS_SUCCESS, length);
}

#elif defined(SYSTEM_BUFFER_KEPT)
static volatile UCHAR *g_Kept;
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG length = stack->Parameters.Read.Length;
  (void)device;
  if (g_Kept != NULL && !CORRECT) *g_Kept = 1; /* EXPECT */
  g_Kept = irp->AssociatedIrp.SystemBuffer;
  RtlZeroMemory(irp->AssociatedIrp.SystemBuffer, length);
  return Complete(irp, STATUS_SUCCESS, length);
}
#endif
