/*
 * An SRB belongs to Storport when it has been completed (ST-121).
 *
 * Mistake: SrbStatus of a READ is set after StorPortNotification(RequestComplete).
 * drydock says: ST-121, write in SetStatus. The twin sets it before.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID SetStatus(volatile SCSI_REQUEST_BLOCK *Srb)
{
    Srb->SrbStatus = SRB_STATUS_SUCCESS; /* EXPECT: ST-121 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    BOOLEAN set = NullIsRead(Srb);

#ifdef TWIN_CORRECT
    if (set)
        SetStatus(Srb);
    return NullStartIo(DeviceExtension, Srb);
#else
    NullStartIo(DeviceExtension, Srb);
    if (set)
        SetStatus(Srb);
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
