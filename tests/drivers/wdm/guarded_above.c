/* A filter above \\Device\\Conformance that takes what exceptions come out of IoCallDriver, and completes the request itself. */
#include <ntddk.h>

NTKERNELAPI NTSTATUS NTAPI IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice, PDEVICE_OBJECT *AttachedDevice);

static PDEVICE_OBJECT g_Own, g_Below;

static DRIVER_DISPATCH Pass, Read;
static NTSTATUS NTAPI Pass(PDEVICE_OBJECT device, PIRP irp) {
  UNREFERENCED_PARAMETER(device);
  IoSkipCurrentIrpStackLocation(irp);
  return IoCallDriver(g_Below, irp);
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT device, PIRP irp) {
  NTSTATUS status;
  UNREFERENCED_PARAMETER(device);
  IoCopyCurrentIrpStackLocationToNext(irp);
  __try {
    status = IoCallDriver(g_Below, irp);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    status = GetExceptionCode();
    IoSkipCurrentIrpStackLocation(irp); /* the lower device never completed its location: back to ours */
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
  }
  return status;
}

static DRIVER_UNLOAD Unload;
static void NTAPI Unload(PDRIVER_OBJECT driver) {
  UNREFERENCED_PARAMETER(driver);
  IoDetachDevice(g_Below);
  IoDeleteDevice(g_Own);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
  UNICODE_STRING below = RTL_CONSTANT_STRING(L"\\Device\\Conformance");
  NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &g_Own);
  ULONG i;
  UNREFERENCED_PARAMETER(path);
  if (!NT_SUCCESS(status)) return status;
  for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) driver->MajorFunction[i] = Pass;
  driver->MajorFunction[IRP_MJ_READ] = Read;
  driver->DriverUnload = Unload;
  status = IoAttachDevice(g_Own, &below, &g_Below);
  if (!NT_SUCCESS(status)) IoDeleteDevice(g_Own);
  return status;
}
