/*
 * A lock is not acquired by the processor that holds it already (VER-88).
 *
 * Mistake: a DPC acquires the StartIo lock, and acquires it once more.
 * drydock says: VER-88, in Recurse; on Windows the processor would hang. The twin acquires it once.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID Recurse(PVOID Adapter)
{
#ifndef TWIN_CORRECT
    STOR_LOCK_HANDLE again = { 0 };

    StorPortAcquireSpinLock(Adapter, StartIoLock, NULL, &again); /* EXPECT: VER-88 */
    StorPortReleaseSpinLock(Adapter, &again);
#else
    UNREFERENCED_PARAMETER(Adapter);
#endif
}

static VOID LockTwice(PSTOR_DPC Dpc, PVOID DeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2)
{
    STOR_LOCK_HANDLE lock = { 0 };

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    StorPortAcquireSpinLock(DeviceExtension, StartIoLock, NULL, &lock);
    Recurse(DeviceExtension);
    StorPortReleaseSpinLock(DeviceExtension, &lock);
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Reads++ == 0)
        StorPortIssueDpc(DeviceExtension, &adapter->Dpc, NULL, NULL);
    return TRUE;
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    StorPortInitializeDpc(DeviceExtension, &((PNULL_ADAPTER)DeviceExtension)->Dpc, LockTwice);
    return TRUE;
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    return StorPortEnablePassiveInitialization(DeviceExtension, PassiveInitialize);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwBuildIo = BuildIo;
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
