/* A function driver, or (FILTER) a filter, of a plug and play device: AddDevice, start, stop, remove, with a remove lock and
 * the power requests. One build for each mistake; the twin does not make it. DOC: VER-76 VER-190 VER-191 VER-195 VER-196 */
#include <ntddk.h>

#ifdef TWIN_CORRECT
#define CORRECT 1
#else
#define CORRECT 0
#endif
enum { NO_MISTAKE, LEAVES_INITIALIZING, STAYS_ATTACHED, STAYS_UNDELETED, DETACHES_AT_SURPRISE, COMPLETES_START, COMPLETES_UNKNOWN, FAILS_CANCEL, PASSES_FAILURE_ON };
#ifndef MISTAKE
#define MISTAKE NO_MISTAKE
#endif
/* Is this the place of the mistake? */
#define WRONG(mistake) (!CORRECT && MISTAKE == (mistake))

typedef struct {
  PDEVICE_OBJECT Self, Below;
  IO_REMOVE_LOCK Lock;
  BOOLEAN Started;
#ifndef FILTER
  UNICODE_STRING Interface;
#endif
} EXTENSION;

static NTSTATUS Complete(PIRP irp, NTSTATUS status) {
  irp->IoStatus.Status = status;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}
static NTSTATUS PassOn(EXTENSION *extension, PIRP irp) {
  IoSkipCurrentIrpStackLocation(irp);
  return IoCallDriver(extension->Below, irp);
}

#ifndef FILTER
static const GUID g_Class = {0x1B5C3F20, 0x7A11, 0x4D0E, {0x9C, 0x42, 0x31, 0x05, 0x8E, 0x77, 0x6A, 0x90}};
static void ShowInterface(EXTENSION *extension) {
  if (NT_SUCCESS(IoSetDeviceInterfaceState(&extension->Interface, TRUE))) DbgPrint("%wZ\n", &extension->Interface);
}
static void EndInterface(EXTENSION *extension) {
  IoSetDeviceInterfaceState(&extension->Interface, FALSE);
  RtlFreeUnicodeString(&extension->Interface);
}
#else
static void ShowInterface(EXTENSION *extension) { (void)extension; }
static void EndInterface(EXTENSION *extension) { (void)extension; }
#endif

static NTSTATUS Start(EXTENSION *extension, PIRP irp) {
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  POWER_STATE state;
  if (WRONG(COMPLETES_START)) return Complete(irp, STATUS_SUCCESS); /* EXPECT */
  if (IoForwardIrpSynchronously(extension->Below, irp)) status = irp->IoStatus.Status;
  if (NT_SUCCESS(status)) {
    extension->Started = TRUE;
    state.DeviceState = PowerDeviceD0;
    PoSetPowerState(extension->Self, DevicePowerState, state);
    ShowInterface(extension);
  }
  return Complete(irp, status);
}

static NTSTATUS Remove(EXTENSION *extension, PIRP irp) {
  PDEVICE_OBJECT self = extension->Self, below = extension->Below;
  NTSTATUS status;
  irp->IoStatus.Status = STATUS_SUCCESS;
  IoSkipCurrentIrpStackLocation(irp);
  status = IoCallDriver(below, irp);
  IoReleaseRemoveLockAndWait(&extension->Lock, irp);
  EndInterface(extension);
  if (!WRONG(STAYS_ATTACHED)) IoDetachDevice(below);
  if (!WRONG(STAYS_ATTACHED) && !WRONG(STAYS_UNDELETED)) IoDeleteDevice(self);
  return status;
}

static DRIVER_DISPATCH DispatchPnp, DispatchPower, DispatchAny;
static NTSTATUS NTAPI DispatchPnp(PDEVICE_OBJECT device, PIRP irp) { /* EXPECT */
  EXTENSION *extension = (EXTENSION *)device->DeviceExtension;
  UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
  NTSTATUS status = IoAcquireRemoveLock(&extension->Lock, irp);
  if (!NT_SUCCESS(status)) return Complete(irp, status);
  if (minor == IRP_MN_REMOVE_DEVICE) return Remove(extension, irp);
  switch (minor) {
    case IRP_MN_START_DEVICE:
      status = Start(extension, irp);
      break;
    case IRP_MN_SURPRISE_REMOVAL:
      extension->Started = FALSE;
      irp->IoStatus.Status = STATUS_SUCCESS;
      status = PassOn(extension, irp);
      if (WRONG(DETACHES_AT_SURPRISE)) IoDetachDevice(extension->Below);
      break;
    case IRP_MN_QUERY_STOP_DEVICE:
      irp->IoStatus.Status = WRONG(PASSES_FAILURE_ON) ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
      status = PassOn(extension, irp);
      break;
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
      irp->IoStatus.Status = STATUS_SUCCESS;
      status = PassOn(extension, irp);
      break;
    case IRP_MN_CANCEL_REMOVE_DEVICE:
      if (WRONG(FAILS_CANCEL)) status = Complete(irp, STATUS_UNSUCCESSFUL);
      else irp->IoStatus.Status = STATUS_SUCCESS, status = PassOn(extension, irp);
      break;
    default:
      status = WRONG(COMPLETES_UNKNOWN) && minor > IRP_MN_SURPRISE_REMOVAL ? Complete(irp, STATUS_INVALID_DEVICE_REQUEST) : PassOn(extension, irp);
      break;
  }
  IoReleaseRemoveLock(&extension->Lock, irp);
  return status;
}

static NTSTATUS NTAPI DispatchPower(PDEVICE_OBJECT device, PIRP irp) {
  EXTENSION *extension = (EXTENSION *)device->DeviceExtension;
  NTSTATUS status = IoAcquireRemoveLock(&extension->Lock, irp);
  PoStartNextPowerIrp(irp);
  if (!NT_SUCCESS(status)) return Complete(irp, status);
  IoSkipCurrentIrpStackLocation(irp);
  status = PoCallDriver(extension->Below, irp);
  IoReleaseRemoveLock(&extension->Lock, irp);
  return status;
}

static NTSTATUS NTAPI DispatchAny(PDEVICE_OBJECT device, PIRP irp) {
  EXTENSION *extension = (EXTENSION *)device->DeviceExtension;
  NTSTATUS status = IoAcquireRemoveLock(&extension->Lock, irp);
  irp->IoStatus.Information = 0;
  if (!NT_SUCCESS(status)) return Complete(irp, status);
#ifdef FILTER
  status = PassOn(extension, irp);
#else
  status = Complete(irp, extension->Started ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE);
#endif
  IoReleaseRemoveLock(&extension->Lock, irp);
  return status;
}

static DRIVER_ADD_DEVICE AddDevice;
static NTSTATUS NTAPI AddDevice(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical) {
  EXTENSION *extension;
  PDEVICE_OBJECT device;
#ifdef FILTER
  NTSTATUS status = IoCreateDevice(driver, sizeof *extension, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
#else
  UNICODE_STRING name = {sizeof(L"\\Device\\Conformance") - sizeof(WCHAR), sizeof(L"\\Device\\Conformance"), (PWSTR)L"\\Device\\Conformance"};
  NTSTATUS status = IoCreateDevice(driver, sizeof *extension, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
#endif
  if (!NT_SUCCESS(status)) return status;
  extension = (EXTENSION *)device->DeviceExtension;
  extension->Self = device;
  extension->Started = FALSE;
  IoInitializeRemoveLock(&extension->Lock, 0x6B636F4C, 0, 0);
  extension->Below = IoAttachDeviceToDeviceStack(device, physical);
  if (extension->Below == NULL) {
    IoDeleteDevice(device);
    return STATUS_NO_SUCH_DEVICE;
  }
#ifdef FILTER
  device->Flags |= extension->Below->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE);
#else
  device->Flags |= DO_DIRECT_IO;
  IoRegisterDeviceInterface(physical, &g_Class, NULL, &extension->Interface);
#endif
  if (!WRONG(LEAVES_INITIALIZING)) device->Flags &= ~DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

static DRIVER_UNLOAD Unload;
static void NTAPI Unload(PDRIVER_OBJECT driver) {
  PDEVICE_OBJECT left = driver->DeviceObject; /* of a driver with a mistake */
  if (left == NULL) return;
  if (WRONG(STAYS_ATTACHED)) IoDetachDevice(((EXTENSION *)left->DeviceExtension)->Below);
  IoDeleteDevice(left);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
  ULONG i;
  (void)path;
  for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) driver->MajorFunction[i] = DispatchAny;
  driver->MajorFunction[IRP_MJ_PNP] = DispatchPnp;
  driver->MajorFunction[IRP_MJ_POWER] = DispatchPower;
  driver->DriverExtension->AddDevice = AddDevice;
  driver->DriverUnload = Unload;
  return STATUS_SUCCESS;
}
