/* A lowest driver that keeps what it is given: direct I/O, or buffered (BUFFERED); it completes in the dispatch routine, or
 * a tenth of a millisecond later, in the DPC of a timer (LATER). Breaks nothing. DOC: BUF-10 BUF-14 BUF-15 */
#ifdef BUFFERED
#define DEVICE_FLAGS DO_BUFFERED_IO
#else
#define DEVICE_FLAGS DO_DIRECT_IO
#endif
#define ON_READ Transfer
#define ON_WRITE Transfer
#define ON_CONTROL Control
#define ON_ENTRY Prepare
#define EXTENSION_BYTES sizeof(RAMDISK)

#include <ntddk.h>

#define DISK_BYTES 0x6000
typedef struct {
  KDPC Dpc;
  KTIMER Timer;
  KSPIN_LOCK Lock;
  LIST_ENTRY Waiting;
  UCHAR Data[DISK_BYTES];
} RAMDISK;

#include "plain_driver.h"

static PVOID DataOf(PIRP irp) {
  return irp->MdlAddress != NULL ? MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority) : irp->AssociatedIrp.SystemBuffer;
}

static NTSTATUS Perform(RAMDISK *disk, PIRP irp) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  ULONG length = stack->Parameters.Read.Length;
  LONGLONG offset = stack->Parameters.Read.ByteOffset.QuadPart;
  PVOID data;
  if (offset < 0 || offset > DISK_BYTES || length > DISK_BYTES - (ULONG)offset) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
  if (length == 0) return Complete(irp, STATUS_SUCCESS, 0);
  data = DataOf(irp);
  if (data == NULL) return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  if (stack->MajorFunction == IRP_MJ_READ) RtlCopyMemory(data, disk->Data + offset, length);
  else RtlCopyMemory(disk->Data + offset, data, length);
  return Complete(irp, STATUS_SUCCESS, length);
}

static KDEFERRED_ROUTINE PerformLater;
static void NTAPI PerformLater(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  RAMDISK *disk = (RAMDISK *)context;
  PLIST_ENTRY entry;
  (void)dpc, (void)argument1, (void)argument2;
  while ((entry = ExInterlockedRemoveHeadList(&disk->Waiting, &disk->Lock)) != NULL)
    Perform(disk, CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry));
}

NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  RAMDISK *disk = (RAMDISK *)device->DeviceExtension;
  (void)stack;
#ifdef LATER
  LARGE_INTEGER due = {.QuadPart = -1000};
  IoMarkIrpPending(irp);
  ExInterlockedInsertTailList(&disk->Waiting, &irp->Tail.Overlay.ListEntry, &disk->Lock);
  KeSetTimer(&disk->Timer, due, &disk->Dpc);
  return STATUS_PENDING;
#else
  return Perform(disk, irp);
#endif
}

/* A request that only ends by being cancelled. */
static DRIVER_CANCEL Cancel;
static void NTAPI Cancel(PDEVICE_OBJECT device, PIRP irp) {
  (void)device;
  IoReleaseCancelSpinLock(irp->CancelIrql);
  Complete(irp, STATUS_CANCELLED, 0);
}
static NTSTATUS KeepUntilCancelled(PIRP irp) {
  IoMarkIrpPending(irp);
  IoSetCancelRoutine(irp, Cancel);
  if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) Complete(irp, STATUS_CANCELLED, 0);
  return STATUS_PENDING;
}

NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  RAMDISK *disk = (RAMDISK *)device->DeviceExtension;
  ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength, out = stack->Parameters.DeviceIoControl.OutputBufferLength;
  ULONG offset;
  switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case CODE(0, METHOD_BUFFERED): /* how large is it? */
      if (out < sizeof(ULONG)) return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
      *(ULONG *)irp->AssociatedIrp.SystemBuffer = DISK_BYTES;
      return Complete(irp, STATUS_SUCCESS, sizeof(ULONG));
    case CODE(1, METHOD_OUT_DIRECT): /* reads at the offset that comes in */
      if (in < sizeof(ULONG)) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
      offset = *(ULONG *)irp->AssociatedIrp.SystemBuffer;
      if (offset > DISK_BYTES || out > DISK_BYTES - offset || out == 0) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
      RtlCopyMemory(MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority), disk->Data + offset, out);
      return Complete(irp, STATUS_SUCCESS, out);
    case CODE(2, METHOD_NEITHER): /* of drivers only: both are system addresses */
      if (stack->MajorFunction != IRP_MJ_INTERNAL_DEVICE_CONTROL || irp->RequestorMode != KernelMode || in != out || in > DISK_BYTES) break;
      RtlCopyMemory(disk->Data, stack->Parameters.DeviceIoControl.Type3InputBuffer, in);
      RtlCopyMemory(irp->UserBuffer, disk->Data, out);
      return Complete(irp, STATUS_SUCCESS, out);
    case CODE(3, METHOD_BUFFERED):
      return KeepUntilCancelled(irp);
    default:
      break;
  }
  return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  RAMDISK *disk = (RAMDISK *)device->DeviceExtension;
  KeInitializeDpc(&disk->Dpc, PerformLater, disk);
  KeInitializeTimer(&disk->Timer);
  KeInitializeSpinLock(&disk->Lock);
  InitializeListHead(&disk->Waiting);
  driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = DispatchControl;
  return STATUS_SUCCESS;
}
