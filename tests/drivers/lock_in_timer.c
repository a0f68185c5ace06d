/*
 * HwStorTimer is called under the StartIo lock and may acquire the interrupt lock (ST-78).
 *
 * Mistake: it takes the StartIo lock. The twin takes the interrupt lock. The READ that started the timer waits for it.
 */
#include "common/nullhba.h"

static STOR_LOCK_HANDLE Lock;

static DECLSPEC_NOINLINE VOID TakeLock(PVOID Adapter, STOR_SPINLOCK Which)
{
    StorPortAcquireSpinLock(Adapter, Which, NULL, &Lock); /* EXPECT: ST-78 */
    StorPortReleaseSpinLock(Adapter, &Lock);
}

static PSCSI_REQUEST_BLOCK Waiting;

static VOID Timer(PVOID DeviceExtension)
{
    PSCSI_REQUEST_BLOCK srb = Waiting;

#ifdef TWIN_CORRECT
    TakeLock(DeviceExtension, InterruptLock);
#else
    TakeLock(DeviceExtension, StartIoLock);
#endif
    Waiting = NULL;
    NullStartIo(DeviceExtension, srb);
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (!NullIsRead(Srb) || adapter->Spare++ != 0)
        return NullStartIo(DeviceExtension, Srb);
    Waiting = Srb;
    StorPortNotification(RequestTimerCall, DeviceExtension, Timer, 1000);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
