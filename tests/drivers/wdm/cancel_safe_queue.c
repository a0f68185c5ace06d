/* Reads wait in a cancel-safe queue until a control code lets the next one go. Breaks nothing. DOC: BUF-116 VER-70 */
#define ON_READ Read
#define ON_CONTROL Control
#define ON_ENTRY Prepare
#include "plain_driver.h"

static IO_CSQ g_Csq;
static LIST_ENTRY g_Waiting;
static KSPIN_LOCK g_Lock;
static IO_CSQ_IRP_CONTEXT g_First;

static IO_CSQ_INSERT_IRP Insert;
static void NTAPI Insert(PIO_CSQ csq, PIRP irp) {
  (void)csq;
  InsertTailList(&g_Waiting, &irp->Tail.Overlay.ListEntry);
}
static IO_CSQ_REMOVE_IRP Remove;
static void NTAPI Remove(PIO_CSQ csq, PIRP irp) {
  (void)csq;
  RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}
static IO_CSQ_PEEK_NEXT_IRP Peek;
static PIRP NTAPI Peek(PIO_CSQ csq, PIRP irp, PVOID context) {
  PLIST_ENTRY next = irp == NULL ? g_Waiting.Flink : irp->Tail.Overlay.ListEntry.Flink;
  (void)csq, (void)context;
  return next == &g_Waiting ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}
static IO_CSQ_ACQUIRE_LOCK Acquire;
static void NTAPI Acquire(PIO_CSQ csq, PKIRQL irql) {
  (void)csq;
  KeAcquireSpinLock(&g_Lock, irql);
}
static IO_CSQ_RELEASE_LOCK Release;
static void NTAPI Release(PIO_CSQ csq, KIRQL irql) {
  (void)csq;
  KeReleaseSpinLock(&g_Lock, irql);
}
static IO_CSQ_COMPLETE_CANCELED_IRP CompleteCanceled;
static void NTAPI CompleteCanceled(PIO_CSQ csq, PIRP irp) {
  (void)csq;
  Complete(irp, STATUS_CANCELLED, 0);
}

NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device;
  IoCsqInsertIrp(&g_Csq, irp, stack->Parameters.Read.ByteOffset.QuadPart == 1 ? &g_First : NULL);
  return STATUS_PENDING;
}

static NTSTATUS Answer(PIRP control, PIRP waiting) {
  if (waiting == NULL) return Complete(control, STATUS_NO_SUCH_DEVICE, 0);
  Complete(waiting, STATUS_SUCCESS, 0);
  return Complete(control, STATUS_SUCCESS, 0);
}
NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device;
  switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case CODE(0, METHOD_BUFFERED):
      return Answer(irp, IoCsqRemoveNextIrp(&g_Csq, NULL));
    case CODE(1, METHOD_BUFFERED):
      return Answer(irp, IoCsqRemoveIrp(&g_Csq, &g_First));
    default:
      return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)driver, (void)device;
  InitializeListHead(&g_Waiting);
  KeInitializeSpinLock(&g_Lock);
  return IoCsqInitialize(&g_Csq, Insert, Remove, Peek, Acquire, Release, CompleteCanceled);
}
