/*
 * STOR_MAP_NO_BUFFERS maps no buffer but those of IO_CONTROL and WMI (ST-40).
 *
 * Mistake: the INQUIRY buffer is written through SrbGetDataBuffer.
 * drydock says: ST-40, write of DataBuffer in MarkData. The twin asks StorPortGetSystemAddress.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID MarkData(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    volatile UCHAR *data = NULL;

#ifdef TWIN_CORRECT
    if (StorPortGetSystemAddress(Adapter, Srb, (PVOID *)&data) == STOR_STATUS_SUCCESS)
        data[0] = 0;
#else
    UNREFERENCED_PARAMETER(Adapter);
    data = SrbGetDataBuffer(Srb);
    data[0] = 0; /* EXPECT: ST-40 */
#endif
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    if (NullIsInquiry(Srb) && SrbGetDataTransferLength(Srb) != 0)
        MarkData(DeviceExtension, Srb);
    return NullStartIo(DeviceExtension, Srb);
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ConfigInfo->MapBuffers = STOR_MAP_NO_BUFFERS;
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.MapBuffers = STOR_MAP_NO_BUFFERS;
    init.HwFindAdapter = FindAdapter;
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
