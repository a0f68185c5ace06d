/*
 * HwStorStartIo is called under the StartIo lock and may acquire the DPC and the interrupt lock only (ST-78).
 *
 * Mistake: at the first READ it takes the StartIo lock again. The twin takes the interrupt lock.
 */
#include "common/nullhba.h"

static STOR_LOCK_HANDLE Lock;

static DECLSPEC_NOINLINE VOID TakeLock(PVOID Adapter, STOR_SPINLOCK Which)
{
    StorPortAcquireSpinLock(Adapter, Which, NULL, &Lock); /* EXPECT: ST-78 */
    StorPortReleaseSpinLock(Adapter, &Lock);
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Spare++ == 0)
#ifdef TWIN_CORRECT
        TakeLock(adapter, InterruptLock);
#else
        TakeLock(adapter, StartIoLock);
#endif
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
