/*
 * A request that is answered BUSY is sent again: its DataTransferLength stays what it was (ST-114, --checks all).
 *
 * Mistake: the first READ is completed as busy with "nothing transferred". The twin leaves the length alone.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID AnswerBusy(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
#ifndef TWIN_CORRECT
    SrbSetDataTransferLength(Srb, 0);
#endif
    NullComplete(Adapter, Srb, SRB_STATUS_BUSY);
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (!NullIsRead(Srb) || adapter->Spare++ != 0)
        return NullStartIo(DeviceExtension, Srb);
    AnswerBusy(DeviceExtension, Srb);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
