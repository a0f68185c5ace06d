/*
 * An SRB extension is not initialised: the miniport sets what it reads (ST-60, --checks all fills it with garbage).
 *
 * Mistake: HwStorStartIo takes a marker that nobody set for a sign that the request was seen before, and fails it.
 */
#include "common/nullhba.h"

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_REQUEST request = SrbGetMiniportContext(Srb);

#ifdef TWIN_CORRECT
    request->Marker = 0;
#endif
    if (request->Marker != 0 && (NullIsRead(Srb) || NullIsWrite(Srb))) {
        NullComplete(DeviceExtension, Srb, SRB_STATUS_ERROR);
        return TRUE;
    }
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
