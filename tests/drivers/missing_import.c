/*
 * An import drydock does not have is reported when it is called, not when the driver is loaded.
 *
 * Mistake: HwFindAdapter calls StorPortDrydockMissing, which exists nowhere.
 * drydock says: call of the missing import storport.sys!StorPortDrydockMissing in CallMissing. The twin imports it, does not call
 *   it, and runs.
 */
#include "common/nullhba.h"

__declspec(dllimport) ULONG NTAPI StorPortDrydockMissing(PVOID HwDeviceExtension);

static DECLSPEC_NOINLINE VOID CallMissing(PVOID Adapter)
{
    StorPortDrydockMissing(Adapter); /* EXPECT: missing-import */
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
#ifdef TWIN_CORRECT
    if (ConfigInfo->Length == 0)      /* never */
#endif
        CallMissing(DeviceExtension);
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
