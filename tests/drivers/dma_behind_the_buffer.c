/*
 * A device writes its request's memory and nothing behind it (VER-10; 0xE6, 0x0F).
 *
 * Mistake: the last element of a READ is a sector longer than its buffer; the adapter reaches 32 bits, so pages are bounced.
 * drydock says: VER-10, bytes behind the buffer have changed. The twin gives the list as it is.
 */
#include "common/hooked.h"

static PHW_FIND_ADAPTER Original;

static PSTOR_SCATTER_GATHER_LIST HookList(PSCSI_REQUEST_BLOCK Srb, PSTOR_SCATTER_GATHER_LIST List)
{
    PSTOR_SCATTER_GATHER_LIST copy = CopyOf(List);
#ifndef TWIN_CORRECT
    PSTOR_SCATTER_GATHER_ELEMENT last;
#endif

    if (copy == NULL || !IsRead(Srb))
        return List;
#ifndef TWIN_CORRECT
    last = &copy->List[copy->NumberOfElements - 1];
    if (((last->PhysicalAddress.QuadPart + last->Length) & (PAGE_SIZE - 1)) - 1u < PAGE_SIZE - 512)
        last->Length += 512;
#endif
    return copy;
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ConfigInfo->Dma64BitAddresses = 0;
    return Original(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

static VOID Hook(PHW_INITIALIZATION_DATA Init)
{
    Original = Init->HwFindAdapter;
    Init->HwFindAdapter = FindAdapter;
}
