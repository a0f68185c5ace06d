/*
 * A device is given addresses of its request's memory (VER-25; 0xE6, 0x26).
 *
 * Mistake: the first element of one READ's list is replaced by an address that was never mapped.
 * drydock says: VER-25, the device's access is refused, and the READ fails. The twin gives the list as it is.
 */
#include "common/hooked.h"

#ifndef TWIN_CORRECT
static ULONG Reads;
#endif

static PSTOR_SCATTER_GATHER_LIST HookList(PSCSI_REQUEST_BLOCK Srb, PSTOR_SCATTER_GATHER_LIST List)
{
    PSTOR_SCATTER_GATHER_LIST copy = CopyOf(List);

    if (copy == NULL || !IsRead(Srb))
        return List;
#ifndef TWIN_CORRECT
    if (Reads++ == 10)
        copy->List[0].PhysicalAddress.QuadPart = 0x2000;
#endif
    return copy;
}

static VOID Hook(PHW_INITIALIZATION_DATA Init)
{
    UNREFERENCED_PARAMETER(Init);
}
