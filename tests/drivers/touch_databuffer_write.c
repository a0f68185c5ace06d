/*
 * A read's DataBuffer is not mapped: do not write it (ST-42).
 *
 * Mistake: under STOR_MAP_NON_READ_WRITE_BUFFERS, HwStartIo marks the buffer of a READ before it is filled.
 * drydock says: ST-42, write of DataBuffer in MarkData. The twin asks StorPortGetSystemAddress.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID MarkData(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    volatile UCHAR *data = NULL;

#ifdef TWIN_CORRECT
    if (StorPortGetSystemAddress(Adapter, Srb, (PVOID *)&data) == STOR_STATUS_SUCCESS)
        data[0] = 0xEE;
#else
    UNREFERENCED_PARAMETER(Adapter);
    data = SrbGetDataBuffer(Srb);
    data[0] = 0xEE; /* EXPECT: ST-42 */
#endif
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    if (NullIsRead(Srb) && SrbGetDataTransferLength(Srb) != 0)
        MarkData(DeviceExtension, Srb);
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
