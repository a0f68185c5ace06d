/*
 * A scatter/gather list is dead when its SRB completes (ST-43).
 *
 * Mistake: the list of a READ is read after StorPortNotification(RequestComplete).
 * drydock says: ST-43, read in CountElements. The twin reads it before.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID CountElements(PNULL_ADAPTER Adapter, volatile STOR_SCATTER_GATHER_LIST *List)
{
    Adapter->Spare += List->NumberOfElements; /* EXPECT: ST-43 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PSTOR_SCATTER_GATHER_LIST list = NULL;

    if (NullIsRead(Srb) && SrbGetDataTransferLength(Srb) != 0)
        list = StorPortGetScatterGatherList(DeviceExtension, Srb);
#ifdef TWIN_CORRECT
    if (list != NULL)
        CountElements(DeviceExtension, list);
    return NullStartIo(DeviceExtension, Srb);
#else
    NullStartIo(DeviceExtension, Srb);
    if (list != NULL)
        CountElements(DeviceExtension, list);
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
