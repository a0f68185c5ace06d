/* Control codes that are answered without an IRP, and one that is left to the IRP. Breaks nothing. DOC: BUF-12 */
#define ON_CONTROL Control
#define ON_ENTRY Prepare
#include "plain_driver.h"

static FAST_IO_DEVICE_CONTROL FastControl;
static BOOLEAN NTAPI FastControl(PFILE_OBJECT file, BOOLEAN wait, PVOID in, ULONG in_length, PVOID out, ULONG out_length, ULONG code, PIO_STATUS_BLOCK status,
                                 PDEVICE_OBJECT device) {
  (void)file, (void)wait, (void)in_length, (void)out_length, (void)device;
  if (code != CODE(0, METHOD_BUFFERED)) return FALSE;
  status->Status = STATUS_SUCCESS;
  status->Information = (ULONG_PTR)in ^ (ULONG_PTR)out;
  return TRUE;
}
static FAST_IO_DISPATCH g_Dispatch;

NTSTATUS Control(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device;
  if (stack->Parameters.DeviceIoControl.IoControlCode != CODE(1, METHOD_BUFFERED)) return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  return Complete(irp, STATUS_SUCCESS, 0);
}
static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)device;
  g_Dispatch.SizeOfFastIoDispatch = sizeof g_Dispatch;
  g_Dispatch.FastIoDeviceControl = FastControl;
  driver->FastIoDispatch = &g_Dispatch;
  return STATUS_SUCCESS;
}
