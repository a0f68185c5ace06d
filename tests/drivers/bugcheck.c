/*
 * A driver may stop the system.
 *
 * Mistake: the first READ calls KeBugCheckEx.
 * drydock says: bug check 0xDEADD0C5 (1, 2, 3, 4) from StopSystem (exit status 4); the client's request fails, it does not hang.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID StopSystem(VOID)
{
    KeBugCheckEx(0xDEADD0C5, 1, 2, 3, 4); /* EXPECT: 0xDEADD0C5 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
#ifndef TWIN_CORRECT
    if (NullIsRead(Srb))
        StopSystem();
#else
    if (SrbGetTimeOutValue(Srb) == 0xFFFFFFFF)
        StopSystem();
#endif
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
