/*
 * A block of pool is freed once (VER-95; 0xC2).
 *
 * Mistake: StorPortFreePool is called twice with the same block.
 * drydock says: VER-95, in AtPassive. The twin calls it once.
 */
#include "common/at_passive.h"

static VOID AtPassive(PVOID Adapter)
{
    PVOID block = NULL;

    if (StorPortAllocatePool(Adapter, 64, 0x65636977, &block) != STOR_STATUS_SUCCESS)
        return;
    StorPortFreePool(Adapter, block);
#ifndef TWIN_CORRECT
    StorPortFreePool(Adapter, block); /* EXPECT: VER-95 */
#endif
}
