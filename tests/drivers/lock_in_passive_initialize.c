/*
 * HwStorPassiveInitializeRoutine acquires no lock of Storport's (ST-78).
 *
 * Mistake: it takes the StartIo lock. The twin does not: no request comes before it has returned.
 */
#include "common/nullhba.h"

static STOR_LOCK_HANDLE Lock;

static DECLSPEC_NOINLINE VOID TakeLock(PVOID Adapter, STOR_SPINLOCK Which)
{
    StorPortAcquireSpinLock(Adapter, Which, NULL, &Lock); /* EXPECT: ST-78 */
    StorPortReleaseSpinLock(Adapter, &Lock);
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
#ifndef TWIN_CORRECT
    TakeLock(DeviceExtension, StartIoLock);
#else
    UNREFERENCED_PARAMETER(TakeLock);
#endif
    return NullInitialize(DeviceExtension);
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    return StorPortEnablePassiveInitialization(DeviceExtension, PassiveInitialize);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
