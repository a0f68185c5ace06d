/*
 * The scatter/gather list of an SRB is Storport's: a miniport reads it (ST-43, --checks all).
 *
 * Mistake: HwStorBuildIo translates the addresses in place. The twin translates a copy.
 */
#include "common/nullhba.h"

static ULONGLONG Bias;

static VOID Translate(PSTOR_SCATTER_GATHER_LIST List)
{
    STOR_SCATTER_GATHER_ELEMENT copy = List->List[0];
    STOR_SCATTER_GATHER_ELEMENT *element = &List->List[0];

#ifdef TWIN_CORRECT
    element = &copy;
#endif
    element->PhysicalAddress.QuadPart |= 0x4000000000000000;
    Bias += (ULONGLONG)element->PhysicalAddress.QuadPart + copy.Length;
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PSTOR_SCATTER_GATHER_LIST list;

    if (NullIsRead(Srb) && (list = StorPortGetScatterGatherList(DeviceExtension, Srb)) != NULL)
        Translate(list);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
