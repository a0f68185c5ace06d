/* One mistake with a work item, a device's timer or a remove lock, chosen by the build; the correct twin uses them as it
 * should. DOC: VER-193 VER-194 VER-195 */
#define ON_READ Read
#define ON_ENTRY Prepare
#define EXTENSION_BYTES sizeof(IO_REMOVE_LOCK)
#include "plain_driver.h"

static PIRP g_Waiting;
static PIO_WORKITEM g_Item;
static LONG g_Runs;

MAYBE_UNUSED static IO_WORKITEM_ROUTINE Later;
static void NTAPI Later(PDEVICE_OBJECT device, PVOID context) {
  (void)device, (void)context;
  if (InterlockedIncrement(&g_Runs) != 1) return;
  IoFreeWorkItem(g_Item);
  Complete(g_Waiting, STATUS_SUCCESS, 0);
}
MAYBE_UNUSED static PIO_REMOVE_LOCK LockOf(PDEVICE_OBJECT device) { return (PIO_REMOVE_LOCK)device->DeviceExtension; }

static NTSTATUS Prepare(PDRIVER_OBJECT driver, PDEVICE_OBJECT device) {
  (void)driver;
#ifdef LOCK_NOT_INITIALIZED
  if (CORRECT)
#endif
  IoInitializeRemoveLock(LockOf(device), 0x6B636F4C, 0, 0);
  return STATUS_SUCCESS;
}

#if defined(WORK_ITEM_QUEUED_TWICE)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  KIRQL irql;
  (void)stack;
  g_Waiting = irp;
  g_Item = IoAllocateWorkItem(device);
  IoMarkIrpPending(irp);
  KeRaiseIrql(DISPATCH_LEVEL, &irql);
  IoQueueWorkItem(g_Item, Later, DelayedWorkQueue, NULL);
  if (!CORRECT) IoQueueWorkItem(g_Item, Later, DelayedWorkQueue, NULL); /* EXPECT */
  KeLowerIrql(irql);
  return STATUS_PENDING;
}

#elif defined(WORK_ITEM_FREED_TWICE)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  PIO_WORKITEM item = IoAllocateWorkItem(device);
  (void)stack;
  IoFreeWorkItem(item);
  if (!CORRECT) IoFreeWorkItem(item); /* EXPECT */
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(TIMER_INITIALIZED_TWICE)
static IO_TIMER_ROUTINE Tick;
static void NTAPI Tick(PDEVICE_OBJECT device, PVOID context) {
  (void)context;
  IoStopTimer(device);
  Complete(g_Waiting, STATUS_SUCCESS, 0);
}
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)stack;
  g_Waiting = irp;
  IoInitializeTimer(device, Tick, NULL);
  if (!CORRECT) IoInitializeTimer(device, Tick, NULL); /* EXPECT */
  IoMarkIrpPending(irp);
  IoStartTimer(device);
  return STATUS_PENDING;
}

#elif defined(LOCK_NOT_INITIALIZED)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)stack;
  if (NT_SUCCESS(IoAcquireRemoveLock(LockOf(device), irp))) IoReleaseRemoveLock(LockOf(device), irp); /* EXPECT */
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(LOCK_RELEASED_WITH_OTHER_TAG)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)stack;
  IoAcquireRemoveLock(LockOf(device), irp);
  IoReleaseRemoveLock(LockOf(device), CORRECT ? (PVOID)irp : (PVOID)device); /* EXPECT */
  if (!CORRECT) IoReleaseRemoveLock(LockOf(device), irp);
  return Complete(irp, STATUS_SUCCESS, 0);
}

#elif defined(LOCK_HELD_AT_THE_END)
NTSTATUS Read(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION stack) {
  (void)stack;
  IoAcquireRemoveLock(LockOf(device), irp);
  if (CORRECT) IoReleaseRemoveLock(LockOf(device), irp);
  return Complete(irp, STATUS_SUCCESS, 0);
}
#endif
