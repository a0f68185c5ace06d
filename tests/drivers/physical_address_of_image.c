/*
 * Only memory of the adapter and its requests has a physical address (VER-36).
 *
 * Mistake: StorPortGetPhysicalAddress is given an address in no memory at all.
 * drydock says: VER-36, in AtPassive. The twin gives the device extension.
 */
#include "common/at_passive.h"

static VOID AtPassive(PVOID Adapter)
{
    PVOID address = Adapter;
    ULONG length = 0;

#ifndef TWIN_CORRECT
    address = (PVOID)(ULONG_PTR)0x10000;
#endif
    StorPortGetPhysicalAddress(Adapter, NULL, address, &length); /* EXPECT: VER-36 */
}
