/* Reads go through StartIo one at a time: a timer's DPC completes each and starts the next. Those that wait can be cancelled;
 * the one under way cannot. With STARTS_NEXT_IN_START_IO each is done in StartIo itself, which calls itself again for the
 * next one: a mistake without the deferred attribute. DOC: VER-115 VER-84 BUF-116 */
#define ON_READ Read
#define ON_ENTRY Prepare
#include "plain_driver.h"

static KTIMER g_Timer;
static KDPC g_Dpc;
static ULONG g_Served;

static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) {
  KIRQL irql;
  if (irp == device->CurrentIrp) {
    IoReleaseCancelSpinLock(irp->CancelIrql);
    irql = KeRaiseIrqlToDpcLevel();
    IoStartNextPacket(device, TRUE);
    KeLowerIrql(irql);
  } else {
    KeRemoveEntryDeviceQueue(&device->DeviceQueue, &irp->Tail.Overlay.DeviceQueueEntry);
    IoReleaseCancelSpinLock(irp->CancelIrql);
  }
  Complete(irp, STATUS_CANCELLED, 0);
}

static void Serve(PIRP irp) {
  *(ULONG *)irp->AssociatedIrp.SystemBuffer = ++g_Served;
  Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
}

static KDEFERRED_ROUTINE Finish;
static void NTAPI Finish(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  PDEVICE_OBJECT device = (PDEVICE_OBJECT)context;
  PIRP irp = device->CurrentIrp;
  (void)dpc, (void)argument1, (void)argument2;
  Serve(irp);
  IoStartNextPacket(device, TRUE);
}

static DRIVER_STARTIO StartIo;
static void NTAPI StartIo(PDEVICE_OBJECT device, PIRP irp) {
  LARGE_INTEGER due;
  KIRQL irql;
  IoAcquireCancelSpinLock(&irql);
  if (irp != device->CurrentIrp || irp->Cancel) {
    IoReleaseCancelSpinLock(irql);
    return;
  }
  IoSetCancelRoutine(irp, NULL);
  IoReleaseCancelSpinLock(irql);
#ifdef STARTS_NEXT_IN_START_IO
  (void)due;
  Serve(irp);
  IoStartNextPacket(device, TRUE); /* EXPECT */
#else
  due.QuadPart = -10000;
  KeSetTimer(&g_Timer, due, &g_Dpc);
#endif
}

NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG key = stack->Parameters.Read.ByteOffset.LowPart;
  if (stack->Parameters.Read.Length < sizeof(ULONG)) return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  IoMarkIrpPending(irp);
  IoStartPacket(device, irp, key != 0 ? &key : NULL, Cancel);
  return STATUS_PENDING;
}

static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  driver->DriverStartIo = StartIo;
  KeInitializeTimer(&g_Timer);
  KeInitializeDpc(&g_Dpc, Finish, device);
#ifdef STARTS_NEXT_IN_START_IO
  if (CORRECT) IoSetStartIoAttributes(device, TRUE, FALSE);
#endif
  return STATUS_SUCCESS;
}
