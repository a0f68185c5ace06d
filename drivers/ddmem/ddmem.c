/* ddmem: a device that keeps 64 KiB of memory: READ and WRITE at an offset by direct I/O, two control codes by METHOD_BUFFERED.
 * The code a newcomer to WDM copies: every length is looked at before anything is touched, every IRP is completed once, the
 * status returned is the one in the IRP. */
#include <ntddk.h>

#include "ddmem.h"

typedef struct {
  UCHAR Memory[DDMEM_BYTES];
  FAST_MUTEX Lock; /* one request at a time may change the memory */
} DEVICE_STATE;

static NTSTATUS Complete(PIRP irp, NTSTATUS status, ULONG_PTR information) {
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = information;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

static NTSTATUS NTAPI OpenOrClose(PDEVICE_OBJECT device, PIRP irp) {
  UNREFERENCED_PARAMETER(device);
  return Complete(irp, STATUS_SUCCESS, 0);
}

/* How many of `length` bytes at `offset` there are; the sum of the two may be more than a number holds. */
static ULONG Available(LONGLONG offset, ULONG length) {
  if (offset < 0 || offset >= DDMEM_BYTES) return 0;
  return length < DDMEM_BYTES - (ULONG)offset ? length : DDMEM_BYTES - (ULONG)offset;
}

/* READ and WRITE have the same parameters. A request for no bytes has no MDL. */
static NTSTATUS Transfer(PDEVICE_OBJECT device, PIRP irp, BOOLEAN toCaller) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  DEVICE_STATE *state = device->DeviceExtension;
  LONGLONG offset = stack->Parameters.Read.ByteOffset.QuadPart;
  ULONG length = Available(offset, stack->Parameters.Read.Length);
  PUCHAR data;
  if (length == 0) return Complete(irp, stack->Parameters.Read.Length == 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE, 0);
  data = MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority | MdlMappingNoExecute);
  if (data == NULL) return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  ExAcquireFastMutex(&state->Lock);
  if (toCaller) RtlCopyMemory(data, state->Memory + offset, length);
  else RtlCopyMemory(state->Memory + offset, data, length);
  ExReleaseFastMutex(&state->Lock);
  return Complete(irp, STATUS_SUCCESS, length);
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT device, PIRP irp) { return Transfer(device, irp, TRUE); }
static NTSTATUS NTAPI Write(PDEVICE_OBJECT device, PIRP irp) { return Transfer(device, irp, FALSE); }

static NTSTATUS GetSize(PIRP irp, PIO_STACK_LOCATION stack) {
  DDMEM_SIZE *answer = irp->AssociatedIrp.SystemBuffer;
  if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof *answer) return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  answer->Bytes = DDMEM_BYTES;
  return Complete(irp, STATUS_SUCCESS, sizeof *answer);
}

static NTSTATUS Fill(DEVICE_STATE *state, PIRP irp, PIO_STACK_LOCATION stack) {
  const DDMEM_FILL *fill = irp->AssociatedIrp.SystemBuffer;
  if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof *fill) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
  if (fill->Offset > DDMEM_BYTES || fill->Length > DDMEM_BYTES - fill->Offset) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
  ExAcquireFastMutex(&state->Lock);
  RtlFillMemory(state->Memory + fill->Offset, fill->Length, fill->Value);
  ExReleaseFastMutex(&state->Lock);
  return Complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT device, PIRP irp) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_DDMEM_GET_SIZE: return GetSize(irp, stack);
    case IOCTL_DDMEM_FILL: return Fill(device->DeviceExtension, irp, stack);
    default: return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

static void NTAPI Unload(PDRIVER_OBJECT driver) {
  UNICODE_STRING link = RTL_CONSTANT_STRING(DDMEM_LINK_NAME);
  IoDeleteSymbolicLink(&link);
  IoDeleteDevice(driver->DeviceObject);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath) {
  UNICODE_STRING name = RTL_CONSTANT_STRING(DDMEM_DEVICE_NAME), link = RTL_CONSTANT_STRING(DDMEM_LINK_NAME);
  PDEVICE_OBJECT device;
  NTSTATUS status;
  UNREFERENCED_PARAMETER(registryPath);
  status = IoCreateDevice(driver, sizeof(DEVICE_STATE), &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
  if (!NT_SUCCESS(status)) return status;
  ExInitializeFastMutex(&((DEVICE_STATE *)device->DeviceExtension)->Lock);
  device->Flags |= DO_DIRECT_IO;
  status = IoCreateSymbolicLink(&link, &name);
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(device);
    return status;
  }
  driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLEANUP] = driver->MajorFunction[IRP_MJ_CLOSE] = OpenOrClose;
  driver->MajorFunction[IRP_MJ_READ] = Read;
  driver->MajorFunction[IRP_MJ_WRITE] = Write;
  driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
  driver->DriverUnload = Unload;
  return STATUS_SUCCESS;
}
