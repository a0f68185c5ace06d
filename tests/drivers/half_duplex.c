/*
 * A Storport miniport is full duplex (VER-92).
 *
 * Mistake: HwFindAdapter leaves SynchronizationModel at its default, StorSynchronizeHalfDuplex.
 * drydock says: VER-92, when FindAdapter returns. The twin asks for StorSynchronizeFullDuplex.
 */
#include "common/nullhba.h"

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ULONG found = NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);

#ifndef TWIN_CORRECT
    ConfigInfo->SynchronizationModel = StorSynchronizeHalfDuplex; /* EXPECT: VER-92 */
#endif
    return found;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.MapBuffers = STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE;   /* HwStartIo at DIRQL cannot ask for the data's address */
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
