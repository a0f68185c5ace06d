/*
 * An SRB is completed exactly once (ST-121; bug check 0xF1, 0x2004).
 *
 * Mistake: the first READ is reported complete twice. (Only the first: afterwards the SRB may be a new request.)
 * drydock says: ST-121, second completion in CompleteTwice. The twin completes once.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID CompleteTwice(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    NullComplete(Adapter, Srb, NullExecute(Adapter, Srb));
#ifndef TWIN_CORRECT
    StorPortNotification(RequestComplete, Adapter, Srb); /* EXPECT: ST-121 */
#endif
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (!NullIsRead(Srb) || adapter->Spare++ != 0)
        return NullStartIo(DeviceExtension, Srb);
    CompleteTwice(DeviceExtension, Srb);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
