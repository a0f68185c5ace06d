/*
 * StorPortInitialize is given what DriverEntry was given (VER-40).
 *
 * Mistake: the registry path is NULL.
 * drydock says: VER-40, in DriverEntry, and the driver does not start. The twin passes it on.
 */
#include "common/nullhba.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
#ifndef TWIN_CORRECT
    RegistryPath = NULL;
#endif
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL); /* EXPECT: VER-40 */
}
