/* Wants to be told when the system goes down, twice over; says so when it is. Breaks nothing. */
#define ON_ENTRY Register
#include "plain_driver.h"

static DRIVER_DISPATCH Shutdown;
static NTSTATUS NTAPI Shutdown(PDEVICE_OBJECT device, PIRP irp) {
  (void)device;
  DbgPrint("told of the shutdown\n");
  return Complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Register(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  driver->MajorFunction[IRP_MJ_SHUTDOWN] = Shutdown;
  IoRegisterShutdownNotification(device);
  return IoRegisterShutdownNotification(device);
}
