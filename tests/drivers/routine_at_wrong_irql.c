/*
 * Each routine has a highest IRQL (VER-85).
 *
 * Mistake: the registry is read in HwStorInitialize, at DIRQL.
 * drydock says: VER-85, in ReadValue. The twin reads it in HwStorFindAdapter, at PASSIVE_LEVEL.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID ReadValue(PVOID Adapter)
{
    UCHAR name[] = "Depth";
    ULONG value = 0, length = sizeof(value);

    StorPortRegistryRead(Adapter, name, 1, REG_DWORD, (PUCHAR)&value, &length); /* EXPECT: VER-85 */
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ReadValue(DeviceExtension);
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
#ifndef TWIN_CORRECT
    ReadValue(DeviceExtension);
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
