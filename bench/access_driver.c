/* Answers every READ at once, with all the bytes it asks for, and touches none of them: what is measured is the I/O manager. */
#define ON_READ Read
#include "plain_driver.h"

NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)device;
  return Complete(irp, STATUS_SUCCESS, stack->Parameters.Read.Length);
}
