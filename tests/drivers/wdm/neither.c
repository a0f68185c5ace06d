/* Does with user addresses what a test asks for, inside of __try, and tells what exception came of it. Breaks nothing.
 * DOC: BUF-60 BUF-61 BUF-63 BUF-64 BUF-65 BUF-66 BUF-67 BUF-68 */
#define DEVICE_FLAGS 0
#define ON_READ Read
#define ON_WRITE Write
#define ON_CONTROL Control
#include "plain_driver.h"
#include "../common/guarded.h"

enum { PROBE_READ, PROBE_WRITE, LOAD, STORE, COPY_FROM, COPY_TO, IS_VALID, VARIABLES, LENGTH_OF_TEXT, COMPARE };

typedef struct {
  ULONG64 Address, Length;
  ULONG Alignment, How;
} ASKED;

typedef struct {
  ULONG64 At, Where, Value;
  ULONG Status, Access, Parameters, Guarded;
} TOLD;

static LONG Tell(PEXCEPTION_POINTERS pointers, TOLD *told) {
  const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
  told->Status = (ULONG)record->ExceptionCode;
  told->At = (ULONG64)record->ExceptionAddress;
  told->Parameters = record->NumberParameters;
  told->Access = record->NumberParameters >= 1 ? (ULONG)record->ExceptionInformation[0] : 0;
  told->Where = record->NumberParameters >= 2 ? record->ExceptionInformation[1] : 0;
  told->Guarded = IsGuarded(record->ExceptionAddress);
  return EXCEPTION_EXECUTE_HANDLER;
}

static void Do(const ASKED *asked, TOLD *told) {
  volatile UCHAR *byte = (volatile UCHAR *)asked->Address;
  UCHAR local[64];
  RtlZeroMemory(told, sizeof *told);
  RtlFillMemory(local, sizeof local, 0x5A);
  __try {
    switch (asked->How) {
      case PROBE_READ: ProbeForRead((PVOID)asked->Address, asked->Length, asked->Alignment); break;
      case PROBE_WRITE: ProbeForWrite((PVOID)asked->Address, asked->Length, asked->Alignment); break;
      case LOAD: told->Value = *byte; break;
      case STORE: *byte = 0x77; break;
      case COPY_FROM: RtlCopyMemory(local, (PVOID)asked->Address, asked->Length); told->Value = local[asked->Length - 1]; break;
      case COPY_TO: RtlCopyMemory((PVOID)asked->Address, local, asked->Length); break;
      case IS_VALID: told->Value = MmIsAddressValid((PVOID)asked->Address); break;
      case VARIABLES: told->Value = MmUserProbeAddress; told->At = (ULONG64)MmHighestUserAddress; told->Where = (ULONG64)MmSystemRangeStart; break;
      case LENGTH_OF_TEXT: told->Value = strlen((const char *)asked->Address); break;
      case COMPARE: told->Value = RtlCompareMemory((PVOID)asked->Address, local, asked->Length); break;
    }
  } __except (Tell(GetExceptionInformation(), told)) {
  }
}

/* Neither: the first ULONG of the input says how many follow, which are added up. Each is fetched once. */
static NTSTATUS Sum(PIRP irp, PIO_STACK_LOCATION stack) {
  const ULONG *from = stack->Parameters.DeviceIoControl.Type3InputBuffer;
  ULONG64 *to = irp->UserBuffer, sum = 0;
  ULONG count, i;
  if (stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG) || stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof *to)
    return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
  __try {
    ProbeForRead(from, stack->Parameters.DeviceIoControl.InputBufferLength, sizeof(ULONG));
    ProbeForWrite(to, sizeof *to, sizeof(ULONG64));
    count = *(const volatile ULONG *)from;
    if (count >= stack->Parameters.DeviceIoControl.InputBufferLength / sizeof(ULONG)) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
    for (i = 1; i <= count; ++i) sum += from[i];
    *to = sum;
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, sizeof *to);
}

NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ASKED asked;
  (void)device;
  if (stack->Parameters.DeviceIoControl.IoControlCode == CODE(1, METHOD_NEITHER)) return Sum(irp, stack);
  if (stack->Parameters.DeviceIoControl.IoControlCode != CODE(0, METHOD_BUFFERED) || stack->Parameters.DeviceIoControl.InputBufferLength < sizeof asked ||
      stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(TOLD))
    return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  RtlCopyMemory(&asked, irp->AssociatedIrp.SystemBuffer, sizeof asked);
  Do(&asked, irp->AssociatedIrp.SystemBuffer);
  return Complete(irp, STATUS_SUCCESS, sizeof(TOLD));
}

NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  volatile UCHAR *to = irp->UserBuffer;
  ULONG i, length = stack->Parameters.Read.Length;
  (void)device;
  if (irp->AssociatedIrp.SystemBuffer != NULL || irp->MdlAddress != NULL) return Complete(irp, STATUS_INTERNAL_ERROR, 0);
  __try {
    ProbeForRead((PVOID)to, length, 1);
    for (i = 0; i < length; ++i) to[i] = (UCHAR)('a' + i % 26);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, length);
}

NTSTATUS Write(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  ULONG length = stack->Parameters.Write.Length;
  UCHAR local[256];
  (void)device;
  if (length > sizeof local) return Complete(irp, STATUS_INVALID_PARAMETER, 0);
  __try {
    ProbeForRead(irp->UserBuffer, length, 1);
    RtlCopyMemory(local, irp->UserBuffer, length);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return Complete(irp, GetExceptionCode(), 0);
  }
  return Complete(irp, STATUS_SUCCESS, length == 0 ? 0 : local[length - 1]);
}
