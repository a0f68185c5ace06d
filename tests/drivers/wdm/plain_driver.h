/* The part that all WDM fixtures share: one device, \\.\Conformance, whose requests end in routines that the fixture names
 * by macros before it includes this: ON_READ, ON_WRITE, ON_CONTROL (default: invalid request), DEVICE_FLAGS (default
 * DO_BUFFERED_IO). A routine of the fixture has the form NTSTATUS name(PDEVICE_OBJECT, PIRP, PIO_STACK_LOCATION). */
#ifndef PLAIN_DRIVER_H
#define PLAIN_DRIVER_H

#include <ntddk.h>

#ifndef DEVICE_FLAGS
#define DEVICE_FLAGS DO_BUFFERED_IO
#endif

#ifdef TWIN_CORRECT
#define CORRECT 1
#else
#define CORRECT 0
#endif

#define MAYBE_UNUSED __attribute__((unused))
#define CODE(function, method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (function), method, FILE_ANY_ACCESS)

static NTSTATUS Complete(PIRP irp, NTSTATUS status, ULONG_PTR information) {
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = information;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

MAYBE_UNUSED static NTSTATUS Refuse(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device, (void)stack;
  return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

#ifndef ON_READ
#define ON_READ Refuse
#endif
#ifndef ON_WRITE
#define ON_WRITE Refuse
#endif
#ifndef ON_CONTROL
#define ON_CONTROL Refuse
#endif
#ifdef ON_ENTRY
static NTSTATUS ON_ENTRY(PDRIVER_OBJECT driver, PDEVICE_OBJECT device);
#endif
NTSTATUS ON_READ(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack);
NTSTATUS ON_WRITE(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack);
NTSTATUS ON_CONTROL(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack);

static DRIVER_DISPATCH DispatchOpen, DispatchRead, DispatchWrite, DispatchControl;
static NTSTATUS NTAPI DispatchOpen(PDEVICE_OBJECT device, PIRP irp) {
  (void)device;
  return Complete(irp, STATUS_SUCCESS, 0);
}
static NTSTATUS NTAPI DispatchRead(PDEVICE_OBJECT device, PIRP irp) { return ON_READ(device, irp, IoGetCurrentIrpStackLocation(irp)); }
static NTSTATUS NTAPI DispatchWrite(PDEVICE_OBJECT device, PIRP irp) { return ON_WRITE(device, irp, IoGetCurrentIrpStackLocation(irp)); }
static NTSTATUS NTAPI DispatchControl(PDEVICE_OBJECT device, PIRP irp) { return ON_CONTROL(device, irp, IoGetCurrentIrpStackLocation(irp)); }

#define TEXT_OF(name, text) UNICODE_STRING name = {sizeof(text) - sizeof(WCHAR), sizeof(text), (PWSTR)text}

static DRIVER_UNLOAD Unload;
static void NTAPI Unload(PDRIVER_OBJECT driver) {
  TEXT_OF(link, L"\\DosDevices\\Conformance");
  IoDeleteSymbolicLink(&link);
  if (driver->DeviceObject != NULL) IoDeleteDevice(driver->DeviceObject);
}

#ifndef EXTENSION_BYTES
#define EXTENSION_BYTES 0
#endif

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
  TEXT_OF(name, L"\\Device\\Conformance");
  TEXT_OF(link, L"\\DosDevices\\Conformance");
  PDEVICE_OBJECT device;
  NTSTATUS status;
  (void)path;
  status = IoCreateDevice(driver, EXTENSION_BYTES, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
  if (!NT_SUCCESS(status)) return status;
  device->Flags |= DEVICE_FLAGS;
  status = IoCreateSymbolicLink(&link, &name);
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(device);
    return status;
  }
  driver->MajorFunction[IRP_MJ_CREATE] = DispatchOpen;
  driver->MajorFunction[IRP_MJ_CLEANUP] = DispatchOpen;
  driver->MajorFunction[IRP_MJ_CLOSE] = DispatchOpen;
  driver->MajorFunction[IRP_MJ_READ] = DispatchRead;
  driver->MajorFunction[IRP_MJ_WRITE] = DispatchWrite;
  driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchControl;
  driver->DriverUnload = Unload;
#ifdef ON_ENTRY
  return ON_ENTRY(driver, device);
#else
  return STATUS_SUCCESS;
#endif
}

#endif
