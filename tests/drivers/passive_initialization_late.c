/*
 * StorPortEnablePassiveInitialization is for HwStorInitialize (VER-97).
 *
 * Mistake: it is called in HwStorFindAdapter.
 * drydock says: VER-97, in EnablePassive. The twin calls it in HwStorInitialize.
 */
#include "common/nullhba.h"

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    return TRUE;
}

static DECLSPEC_NOINLINE VOID EnablePassive(PVOID Adapter)
{
    StorPortEnablePassiveInitialization(Adapter, PassiveInitialize); /* EXPECT: VER-97 */
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
#ifndef TWIN_CORRECT
    EnablePassive(DeviceExtension);
#endif
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
#ifdef TWIN_CORRECT
    EnablePassive(DeviceExtension);
#else
    UNREFERENCED_PARAMETER(DeviceExtension);
#endif
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
