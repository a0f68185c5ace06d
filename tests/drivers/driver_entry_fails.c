/*
 * DriverEntry may fail.
 *
 * Mistake: none: it returns STATUS_NO_SUCH_DEVICE.
 * drydock says: the driver refused to start (exit status 3), with the status. The twin starts.
 */
#include "common/nullhba.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
#ifndef TWIN_CORRECT
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_NO_SUCH_DEVICE;
#else
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
#endif
}
