/*
 * Each SRB is completed by StorPortNotification (VER-81).
 *
 * Mistake: HwStorResetBus, called at the first READ's time-out, completes everything with StorPortCompleteRequest.
 * drydock says: VER-81, in ResetBus. The twin completes each SRB.
 */
#include "common/nullhba.h"

static PSCSI_REQUEST_BLOCK Kept;
static BOOLEAN Awake;

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    if (Awake || Kept != NULL || !NullIsRead(Srb))
        return NullStartIo(DeviceExtension, Srb);
    Kept = Srb;
    return TRUE;
}

static BOOLEAN ResetBus(PVOID DeviceExtension, ULONG PathId)
{
    Awake = TRUE;
#ifdef TWIN_CORRECT
    if (Kept != NULL)
        NullComplete(DeviceExtension, Kept, SRB_STATUS_BUS_RESET);
#else
    StorPortCompleteRequest(DeviceExtension, (UCHAR)PathId, SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_BUS_RESET); /* EXPECT: VER-81 */
#endif
    Kept = NULL;
    return NullResetBus(DeviceExtension, PathId);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    init.HwResetBus = ResetBus;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
