/*
 * An SRB belongs to Storport when it has been completed (ST-121).
 *
 * Mistake: SrbStatus of a READ is read after StorPortNotification(RequestComplete).
 * drydock says: ST-121, read in LookAtStatus. The twin reads it before.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID LookAtStatus(PNULL_ADAPTER Adapter, volatile SCSI_REQUEST_BLOCK *Srb)
{
    Adapter->Spare += Srb->SrbStatus; /* EXPECT: ST-121 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    BOOLEAN look = NullIsRead(Srb);

#ifdef TWIN_CORRECT
    if (look)
        LookAtStatus(DeviceExtension, Srb);
    return NullStartIo(DeviceExtension, Srb);
#else
    NullStartIo(DeviceExtension, Srb);
    if (look)
        LookAtStatus(DeviceExtension, Srb);
    return TRUE;
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
