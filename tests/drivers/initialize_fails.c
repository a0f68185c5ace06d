/*
 * HwStorInitialize may fail.
 *
 * Mistake: none: it returns FALSE.
 * drydock says: the driver refused to start (exit status 3). The twin starts.
 */
#include "common/nullhba.h"

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
#ifdef TWIN_CORRECT
    return TRUE;
#else
    return FALSE;
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
