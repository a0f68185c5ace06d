/* Reads wait in a queue until a write feeds the oldest one, or a timer does, or they are cancelled. A model of a few lines
 * says what each must come to (tests/conformance/irp_sequences_test.cpp). Breaks nothing.
 *   READ, ByteOffset 0        waits at the end of the queue
 *   READ, ByteOffset n        waits, and is completed after n microseconds with the bytes 0x55
 *   WRITE                     its bytes go to the oldest read without a timer; Information is what went, 0 if nobody waits
 *   control 0                 how many wait
 *   control 1                 every waiting read is completed with STATUS_DEVICE_NOT_READY */
#define ON_READ Read
#define ON_WRITE Write
#define ON_CONTROL Control
#define ON_ENTRY Prepare
#include "plain_driver.h"

#define FED_BY_TIMER 0x55
#define ALARM_TAG 0x6D726C41 /* 'Alrm' */

typedef struct {
  KTIMER Timer;
  KDPC Dpc;
  PIRP Irp;
} ALARM;

static LIST_ENTRY g_Queue;
static KSPIN_LOCK g_Lock;

static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)driver, (void)device;
  InitializeListHead(&g_Queue);
  KeInitializeSpinLock(&g_Lock);
  return STATUS_SUCCESS;
}

#define ALARM_OF(irp) ((irp)->Tail.Overlay.DriverContext[0])

/* Whoever takes an IRP out of the queue under the lock, and its cancel routine with it, completes it. */
static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) {
  ALARM *alarm = ALARM_OF(irp);
  KIRQL irql;
  (void)device;
  IoReleaseCancelSpinLock(irp->CancelIrql);
  KeAcquireSpinLock(&g_Lock, &irql);
  RemoveEntryList(&irp->Tail.Overlay.ListEntry);
  if (alarm != NULL && !KeCancelTimer(&alarm->Timer) && alarm->Irp != NULL) {
    alarm->Irp = NULL; /* its DPC is on the way, and frees it */
    alarm = NULL;
  }
  KeReleaseSpinLock(&g_Lock, irql);
  if (alarm != NULL) ExFreePoolWithTag(alarm, ALARM_TAG);
  Complete(irp, STATUS_CANCELLED, 0);
}

/* Under the lock: the IRP is ours from here on. FALSE: Cancel has it, or will. */
static BOOLEAN Take(PIRP irp) {
  if (IoSetCancelRoutine(irp, NULL) == NULL) return FALSE;
  RemoveEntryList(&irp->Tail.Overlay.ListEntry);
  return TRUE;
}

static NTSTATUS Feed(PIRP irp, const void *data, ULONG bytes) {
  ULONG room = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;
  if (bytes > room) bytes = room;
  if (data != NULL) RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, data, bytes);
  else RtlFillMemory(irp->AssociatedIrp.SystemBuffer, bytes, FED_BY_TIMER);
  Complete(irp, STATUS_SUCCESS, bytes);
  return bytes;
}

static KDEFERRED_ROUTINE Ring;
static void NTAPI Ring(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  ALARM *alarm = context;
  PIRP irp;
  (void)dpc, (void)argument1, (void)argument2;
  KeAcquireSpinLockAtDpcLevel(&g_Lock);
  irp = alarm->Irp;
  if (irp != NULL && !Take(irp)) {
    alarm->Irp = irp = NULL; /* Cancel is on the way, and frees it */
    alarm = NULL;
  }
  KeReleaseSpinLockFromDpcLevel(&g_Lock);
  if (irp != NULL) Feed(irp, NULL, MAXULONG);
  if (alarm != NULL) ExFreePoolWithTag(alarm, ALARM_TAG);
}

static BOOLEAN SetAlarm(PIRP irp, LONGLONG microseconds) {
  ALARM *alarm = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *alarm, ALARM_TAG);
  LARGE_INTEGER due;
  if (alarm == NULL) return FALSE;
  alarm->Irp = irp;
  ALARM_OF(irp) = alarm;
  KeInitializeTimer(&alarm->Timer);
  KeInitializeDpc(&alarm->Dpc, Ring, alarm);
  due.QuadPart = -10 * microseconds;
  KeSetTimer(&alarm->Timer, due, &alarm->Dpc);
  return TRUE;
}

NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  LONGLONG delay = stack->Parameters.Read.ByteOffset.QuadPart;
  KIRQL irql;
  (void)device;
  ALARM_OF(irp) = NULL;
  IoMarkIrpPending(irp);
  KeAcquireSpinLock(&g_Lock, &irql);
  InsertTailList(&g_Queue, &irp->Tail.Overlay.ListEntry);
  IoSetCancelRoutine(irp, Cancel);
  if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) { /* cancelled before there was a routine */
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&g_Lock, irql);
    Complete(irp, STATUS_CANCELLED, 0);
    return STATUS_PENDING;
  }
  if (delay != 0 && !SetAlarm(irp, delay) && Take(irp)) {
    KeReleaseSpinLock(&g_Lock, irql);
    Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    return STATUS_PENDING;
  }
  KeReleaseSpinLock(&g_Lock, irql);
  return STATUS_PENDING;
}

/* The oldest that nobody else completes; NULL when there is none. */
static PIRP TakeOldest(BOOLEAN with_timer_too) {
  PIRP found = NULL;
  PLIST_ENTRY at, next;
  KIRQL irql;
  KeAcquireSpinLock(&g_Lock, &irql);
  for (at = g_Queue.Flink; at != &g_Queue && found == NULL; at = next) {
    PIRP irp = CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);
    ALARM *alarm = ALARM_OF(irp);
    next = at->Flink;
    if (alarm != NULL && (!with_timer_too || !KeCancelTimer(&alarm->Timer))) continue;
    if (!Take(irp)) continue;
    if (alarm != NULL) ExFreePoolWithTag(alarm, ALARM_TAG);
    found = irp;
  }
  KeReleaseSpinLock(&g_Lock, irql);
  return found;
}

NTSTATUS Write(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PIRP waiting = TakeOldest(FALSE);
  (void)device;
  return Complete(irp, STATUS_SUCCESS, waiting == NULL ? 0 : Feed(waiting, irp->AssociatedIrp.SystemBuffer, stack->Parameters.Write.Length));
}

static ULONG CountWaiting(void) {
  ULONG count = 0;
  PLIST_ENTRY at;
  KIRQL irql;
  KeAcquireSpinLock(&g_Lock, &irql);
  for (at = g_Queue.Flink; at != &g_Queue; at = at->Flink) ++count;
  KeReleaseSpinLock(&g_Lock, irql);
  return count;
}

NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PIRP waiting;
  (void)device;
  switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case CODE(0, METHOD_BUFFERED):
      if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
      *(ULONG *)irp->AssociatedIrp.SystemBuffer = CountWaiting();
      return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
    case CODE(1, METHOD_BUFFERED):
      while ((waiting = TakeOldest(TRUE)) != NULL) Complete(waiting, STATUS_DEVICE_NOT_READY, 0);
      return Complete(irp, STATUS_SUCCESS, 0);
    default:
      return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}
