/*
 * A write's DataBuffer is not mapped: do not read it (ST-42).
 *
 * Mistake: under STOR_MAP_NON_READ_WRITE_BUFFERS, HwBuildIo reads the data of a WRITE through SrbGetDataBuffer.
 * drydock says: ST-42, read of DataBuffer in LookAtData. The twin asks StorPortGetSystemAddress.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE UCHAR LookAtData(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    volatile UCHAR *data = NULL;

#ifdef TWIN_CORRECT
    if (StorPortGetSystemAddress(Adapter, Srb, (PVOID *)&data) != STOR_STATUS_SUCCESS)
        return 0;
    return data[0];
#else
    UNREFERENCED_PARAMETER(Adapter);
    data = SrbGetDataBuffer(Srb);
    return data[0]; /* EXPECT: ST-42 */
#endif
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    if (NullIsWrite(Srb) && SrbGetDataTransferLength(Srb) != 0)
        ((PNULL_ADAPTER)DeviceExtension)->Spare += LookAtData(DeviceExtension, Srb);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
