/*
 * StorPortFreeRegistryBuffer takes what StorPortAllocateRegistryBuffer gave (ST-192).
 *
 * Mistake: it is given the address of a static.
 * drydock says: ST-192, in AtPassive. The twin gives the buffer.
 */
#include "common/at_passive.h"

#ifndef TWIN_CORRECT
static UCHAR Other[16];
#endif

static VOID AtPassive(PVOID Adapter)
{
    ULONG length = 64;
    PUCHAR buffer = StorPortAllocateRegistryBuffer(Adapter, &length);

#ifndef TWIN_CORRECT
    StorPortFreeRegistryBuffer(Adapter, Other); /* EXPECT: ST-192 */
#endif
    StorPortFreeRegistryBuffer(Adapter, buffer);
}
