/* Tells what it was given, by each method. Breaks nothing. DOC: BUF-14 BUF-23 BUF-24 BUF-29 BUF-30 BUF-42 BUF-44 BUF-61 */
#define ON_CONTROL Control
#include "plain_driver.h"

/* What a test wants to know of a request. */
typedef struct {
  ULONG64 SystemBuffer, UserBuffer, Type3InputBuffer, MdlAddress;
  ULONG InputLength, OutputLength, Flags, MdlBytes;
} SEEN;

/* Buffered: the answer describes the request, and the input is at its end as it was. */
static NTSTATUS Describe(PIRP irp, PIO_STACK_LOCATION stack, PVOID to, ULONG room) {
  SEEN seen;
  ULONG first = stack->Parameters.DeviceIoControl.InputBufferLength != 0 && irp->AssociatedIrp.SystemBuffer != NULL ? *(UCHAR *)irp->AssociatedIrp.SystemBuffer : 0;
  if (room < sizeof seen) return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  seen.SystemBuffer = irp->AssociatedIrp.SystemBuffer != NULL ? 0x100 + first : 0;
  seen.UserBuffer = (ULONG64)irp->UserBuffer;
  seen.Type3InputBuffer = (ULONG64)stack->Parameters.DeviceIoControl.Type3InputBuffer;
  seen.MdlAddress = (ULONG64)irp->MdlAddress;
  seen.InputLength = stack->Parameters.DeviceIoControl.InputBufferLength;
  seen.OutputLength = stack->Parameters.DeviceIoControl.OutputBufferLength;
  seen.Flags = irp->Flags;
  seen.MdlBytes = irp->MdlAddress != NULL ? MmGetMdlByteCount(irp->MdlAddress) : 0;
  RtlCopyMemory(to, &seen, sizeof seen);
  return Complete(irp, STATUS_SUCCESS, sizeof seen);
}

NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG room = stack->Parameters.DeviceIoControl.OutputBufferLength;
  (void)device;
  switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case CODE(0, METHOD_BUFFERED):
      return Describe(irp, stack, irp->AssociatedIrp.SystemBuffer, room);
    case CODE(1, METHOD_OUT_DIRECT):
    case CODE(1, METHOD_IN_DIRECT):
      return Complete(irp, STATUS_SUCCESS, irp->MdlAddress != NULL ? MmGetMdlByteCount(irp->MdlAddress) : 0);
    case CODE(3, METHOD_BUFFERED): /* as much as there is room for, and that there is more */
      if (room < 4) return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
      RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, "more", 4);
      return Complete(irp, STATUS_BUFFER_OVERFLOW, 4);
    case CODE(2, METHOD_NEITHER):
      return Complete(irp, STATUS_SUCCESS, (ULONG_PTR)stack->Parameters.DeviceIoControl.Type3InputBuffer ^ (ULONG_PTR)irp->UserBuffer);
    default:
      return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}
