/*
 * The fields by which the port driver knows an SRB are not the miniport's to change (DRY-04, --checks all).
 *
 * Mistake: HwStorStartIo keeps a number of its own in OriginalRequest. The twin keeps it in the SRB extension.
 */
#include "common/nullhba.h"

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_REQUEST request = SrbGetMiniportContext(Srb);

    request->Marker = 7;
#ifndef TWIN_CORRECT
    if (NullIsRead(Srb))
        ((PSTORAGE_REQUEST_BLOCK)Srb)->OriginalRequest = (PVOID)(ULONG_PTR)request->Marker;
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
