/*
 * No SRB is completed with SRB_STATUS_PENDING (VER-102).
 *
 * Mistake: a READ is completed without setting its status first.
 * drydock says: VER-102, in CompleteRead. The twin sets SRB_STATUS_SUCCESS.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID CompleteRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR status = NullExecute(Adapter, Srb);

#ifndef TWIN_CORRECT
    status = SRB_STATUS_PENDING;
#endif
    SrbSetSrbStatus(Srb, status);
    StorPortNotification(RequestComplete, Adapter, Srb); /* EXPECT: VER-102 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (!NullIsRead(Srb) || adapter->Spare++ != 0)
        return NullStartIo(DeviceExtension, Srb);
    CompleteRead(DeviceExtension, Srb);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
