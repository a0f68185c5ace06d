/*
 * A lock taken in a callback is released before it returns (VER-88).
 *
 * Mistake: HwBuildIo takes the StartIo lock for the first READ and returns holding it.
 * drydock says: VER-88, lock acquired in TakeLock. The twin releases it.
 */
#include "common/nullhba.h"

static STOR_LOCK_HANDLE Lock;

static DECLSPEC_NOINLINE VOID TakeLock(PVOID Adapter)
{
    StorPortAcquireSpinLock(Adapter, StartIoLock, NULL, &Lock); /* EXPECT: VER-88 */
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Spare++ == 0) {
        TakeLock(adapter);
#ifdef TWIN_CORRECT
        StorPortReleaseSpinLock(adapter, &Lock);
#endif
    }
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
