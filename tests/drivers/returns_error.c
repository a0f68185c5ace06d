/*
 * A driver may refuse its adapter.
 *
 * Mistake: none: HwFindAdapter returns SP_RETURN_ERROR, as for hardware that does not answer.
 * drydock says: the driver refused to start (exit status 3), with the return value by name. The twin starts.
 */
#include "common/nullhba.h"

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ULONG found = NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);

#ifdef TWIN_CORRECT
    return found;
#else
    UNREFERENCED_PARAMETER(found);
    return SP_RETURN_ERROR;
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
