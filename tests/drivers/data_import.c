/*
 * A driver may import data. NtBuildNumber is a variable of the kernel: the import table holds its address.
 *
 * No mistake. If the variable is not a Windows build number, the driver refuses to start.
 */
#include "common/nullhba.h"

#define FIRST_BUILD_WITH_EXTENDED_SRBS 9200

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    if ((USHORT)*NtBuildNumber < FIRST_BUILD_WITH_EXTENDED_SRBS)
        return SP_RETURN_ERROR;
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
