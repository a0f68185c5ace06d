/*
 * The SRB extension is dead when its SRB completes (ST-60).
 *
 * Mistake: the extension of a READ is written after StorPortNotification(RequestComplete).
 * drydock says: ST-60, write in MarkExtension. The twin writes it before.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID MarkExtension(volatile NULL_REQUEST *Request)
{
    Request->Marker = 1; /* EXPECT: ST-60 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_REQUEST request = NullIsRead(Srb) ? SrbGetMiniportContext(Srb) : NULL;

#ifdef TWIN_CORRECT
    if (request != NULL)
        MarkExtension(request);
    return NullStartIo(DeviceExtension, Srb);
#else
    NullStartIo(DeviceExtension, Srb);
    if (request != NULL)
        MarkExtension(request);
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
