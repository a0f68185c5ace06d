/*
 * What a request writes stays as it is until the request ends (MDL-50, --checks all).
 *
 * Mistake: HwStorStartIo uses the first byte of the first WRITE's buffer as scratch memory, having stored the data. The
 * twin leaves it alone.
 */
#include "common/nullhba.h"

static VOID Scribble(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
#ifndef TWIN_CORRECT
    PVOID data = NULL;

    if (StorPortGetSystemAddress(Adapter, Srb, &data) == STOR_STATUS_SUCCESS)
        *(volatile UCHAR *)data ^= 0xFF;
#else
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
#endif
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;
    UCHAR status;

    if (!NullIsWrite(Srb) || adapter->Reads++ != 0)
        return NullStartIo(DeviceExtension, Srb);
    status = NullExecute(DeviceExtension, Srb);
    Scribble(DeviceExtension, Srb);
    NullComplete(DeviceExtension, Srb, status);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
