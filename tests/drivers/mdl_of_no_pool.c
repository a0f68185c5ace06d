/*
 * MmBuildMdlForNonPagedPool is for nonpaged pool (MDL-23).
 *
 * Mistake: the MDL describes an address that is no system memory at all.
 * drydock says: MDL-23, in AtPassive. The twin describes a block from StorPortAllocatePool.
 */
#include "common/at_passive.h"

static VOID AtPassive(PVOID Adapter)
{
    PVOID memory = NULL, buffer;
    PMDL mdl;

    if (StorPortAllocatePool(Adapter, 256, 0x206C646D, &memory) != STOR_STATUS_SUCCESS)
        return;
    buffer = memory;
#ifndef TWIN_CORRECT
    buffer = (PVOID)(ULONG_PTR)0x10000;
#endif
    mdl = IoAllocateMdl(buffer, 256, FALSE, FALSE, NULL);
    if (mdl != NULL) {
        MmBuildMdlForNonPagedPool(mdl); /* EXPECT: MDL-23 */
        IoFreeMdl(mdl);
    }
    StorPortFreePool(Adapter, memory);
}
