/*
 * HwFindAdapter sets MaximumTransferLength and NumberOfPhysicalBreaks (VER-98).
 *
 * Mistake: neither is set.
 * drydock says: VER-98, when FindAdapter returns. The twin sets both.
 */
#include "common/nullhba.h"

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ULONG length = ConfigInfo->MaximumTransferLength;
    ULONG breaks = ConfigInfo->NumberOfPhysicalBreaks;
    ULONG found = NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);

#ifndef TWIN_CORRECT
    ConfigInfo->MaximumTransferLength = length; /* EXPECT: VER-98 */
    ConfigInfo->NumberOfPhysicalBreaks = breaks;
#else
    UNREFERENCED_PARAMETER(length);
    UNREFERENCED_PARAMETER(breaks);
#endif
    return found;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
