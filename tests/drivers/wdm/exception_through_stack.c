/* Two devices of one driver, one above the other. The lower one's dispatch routine raises an exception, which the upper one's
 * __try around IoCallDriver takes; then the upper one completes the request itself. DOC: DRY-20 */
#include <ntddk.h>

static PDEVICE_OBJECT g_Upper, g_Lower;

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

static NTSTATUS SendDown(PIRP irp, volatile ULONG *unwound) {
  NTSTATUS status;
  __try {
    status = IoCallDriver(g_Lower, irp);
  } __finally {
    ++*unwound;
  }
  return status;
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT device, PIRP irp) {
  volatile ULONG unwound = 0;
  NTSTATUS status;
  if (device == g_Lower) ExRaiseStatus(STATUS_DEVICE_DATA_ERROR);
  IoCopyCurrentIrpStackLocationToNext(irp);
  __try {
    status = SendDown(irp, &unwound);
  } __except (GetExceptionCode() == STATUS_DEVICE_DATA_ERROR ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
    IoSkipCurrentIrpStackLocation(irp); /* the lower device never completed its location: back to ours */
    status = Complete(irp, STATUS_DEVICE_DATA_ERROR, unwound);
  }
  return status;
}

static void NTAPI Unload(PDRIVER_OBJECT driver) {
  UNREFERENCED_PARAMETER(driver);
  IoDetachDevice(g_Lower);
  IoDeleteDevice(g_Upper);
  IoDeleteDevice(g_Lower);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath) {
  UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Conformance");
  NTSTATUS status;
  UNREFERENCED_PARAMETER(registryPath);
  status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &g_Lower);
  if (!NT_SUCCESS(status)) return status;
  status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &g_Upper);
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(g_Lower);
    return status;
  }
  g_Lower->Flags |= DO_BUFFERED_IO;
  g_Upper->Flags |= DO_BUFFERED_IO;
  IoAttachDeviceToDeviceStack(g_Upper, g_Lower);
  driver->MajorFunction[IRP_MJ_CREATE] = driver->MajorFunction[IRP_MJ_CLEANUP] = driver->MajorFunction[IRP_MJ_CLOSE] = OpenOrClose;
  driver->MajorFunction[IRP_MJ_READ] = Read;
  driver->DriverUnload = Unload;
  return STATUS_SUCCESS;
}
