/*
 * HwStorFindAdapter acquires no lock of Storport's (ST-78).
 *
 * Mistake: it takes the interrupt lock around its look at the configuration. The twin needs none: nothing runs yet.
 */
#include "common/nullhba.h"

static STOR_LOCK_HANDLE Lock;

static DECLSPEC_NOINLINE VOID TakeLock(PVOID Adapter, STOR_SPINLOCK Which)
{
    StorPortAcquireSpinLock(Adapter, Which, NULL, &Lock); /* EXPECT: ST-78 */
    StorPortReleaseSpinLock(Adapter, &Lock);
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
#ifndef TWIN_CORRECT
    TakeLock(DeviceExtension, InterruptLock);
#else
    UNREFERENCED_PARAMETER(TakeLock);
#endif
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
