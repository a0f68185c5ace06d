/* The part that filters share: one unnamed device above \Device\Conformance, whose method it takes. Reads and writes end in
 * ON_TRANSFER, control codes in ON_CONTROL (default of both: on to the driver below), everything else goes on. */
#ifndef FILTER_DRIVER_H
#define FILTER_DRIVER_H

#include <ntddk.h>

#ifdef TWIN_CORRECT
#define CORRECT 1
#else
#define CORRECT 0
#endif

#define MAYBE_UNUSED __attribute__((unused))
#define CODE(function, method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (function), method, FILE_ANY_ACCESS)

typedef struct {
  PDEVICE_OBJECT Below;
} FILTER;

MAYBE_UNUSED static PDEVICE_OBJECT Below(PDEVICE_OBJECT device) { return ((FILTER *)device->DeviceExtension)->Below; }

MAYBE_UNUSED static NTSTATUS Complete(PIRP irp, NTSTATUS status, ULONG_PTR information) {
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = information;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

MAYBE_UNUSED static NTSTATUS PassOn(PDEVICE_OBJECT device, PIRP irp) {
  IoSkipCurrentIrpStackLocation(irp);
  return IoCallDriver(Below(device), irp);
}

/* Of a request of whichever method. */
MAYBE_UNUSED static PVOID DataOf(PIRP irp) {
  return irp->MdlAddress != NULL ? MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority) : irp->AssociatedIrp.SystemBuffer;
}

#ifndef ON_TRANSFER
#define ON_TRANSFER PassOn
#endif
#ifndef ON_CONTROL
#define ON_CONTROL PassOn
#endif
#ifdef ON_ENTRY
static void ON_ENTRY(PDEVICE_OBJECT device);
#endif
NTSTATUS ON_TRANSFER(PDEVICE_OBJECT device, PIRP irp);
NTSTATUS ON_CONTROL(PDEVICE_OBJECT device, PIRP irp);

static DRIVER_DISPATCH DispatchAny, DispatchTransfer, DispatchControl;
static NTSTATUS NTAPI DispatchAny(PDEVICE_OBJECT device, PIRP irp) { return PassOn(device, irp); }
static NTSTATUS NTAPI DispatchTransfer(PDEVICE_OBJECT device, PIRP irp) { return ON_TRANSFER(device, irp); }
static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT device, PIRP irp) { return ON_CONTROL(device, irp); }

#ifndef FLAGS_OF
#define FLAGS_OF(below) ((below)->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO))
#endif

static DRIVER_UNLOAD Unload;
static void NTAPI Unload(PDRIVER_OBJECT driver) {
  IoDetachDevice(Below(driver->DeviceObject));
  IoDeleteDevice(driver->DeviceObject);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
  UNICODE_STRING name = {sizeof(L"\\Device\\Conformance") - sizeof(WCHAR), sizeof(L"\\Device\\Conformance"), (PWSTR)L"\\Device\\Conformance"};
  PDEVICE_OBJECT device, target;
  PFILE_OBJECT file;
  NTSTATUS status;
  ULONG i;
  (void)path;
  status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &target);
  if (!NT_SUCCESS(status)) return status;
  status = IoCreateDevice(driver, sizeof(FILTER), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
  if (NT_SUCCESS(status)) {
    ((FILTER *)device->DeviceExtension)->Below = IoAttachDeviceToDeviceStack(device, target);
    if (Below(device) == NULL) {
      IoDeleteDevice(device);
      status = STATUS_NO_SUCH_DEVICE;
    }
  }
  ObDereferenceObject(file);
  if (!NT_SUCCESS(status)) return status;
  device->Flags |= FLAGS_OF(Below(device));
  for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) driver->MajorFunction[i] = DispatchAny;
  driver->MajorFunction[IRP_MJ_READ] = DispatchTransfer;
  driver->MajorFunction[IRP_MJ_WRITE] = DispatchTransfer;
  driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
  driver->DriverUnload = Unload;
#ifdef ON_ENTRY
  ON_ENTRY(device);
#endif
  return STATUS_SUCCESS;
}

#endif
