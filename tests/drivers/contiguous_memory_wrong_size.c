/*
 * Contiguous memory is freed with the size it was allocated with (ST-58).
 *
 * Mistake: three pages are allocated, and one is freed.
 * drydock says: ST-58, in AtPassive; and the pages leak. The twin frees three.
 */
#include "common/at_passive.h"

static DECLSPEC_NOINLINE PVOID Allocate(PVOID Adapter)
{
    PHYSICAL_ADDRESS low, high, boundary;
    PVOID memory = NULL;

    low.QuadPart = 0;
    high.QuadPart = 0xFFFFFFFF;
    boundary.QuadPart = 0;
    StorPortAllocateContiguousMemorySpecifyCacheNode(Adapter, 3 * PAGE_SIZE, low, high, boundary, MmCached, MM_ANY_NODE_OK, &memory);
    return memory;
}

static VOID AtPassive(PVOID Adapter)
{
    PVOID memory = Allocate(Adapter);
    SIZE_T bytes = 3 * PAGE_SIZE;

#ifndef TWIN_CORRECT
    bytes = PAGE_SIZE;
#endif
    StorPortFreeContiguousMemorySpecifyCache(Adapter, memory, bytes, MmCached); /* EXPECT: ST-58 */
}
