/*
 * Contiguous memory goes back before the driver unloads (ST-58).
 *
 * Mistake: three pages of it are never freed.
 * drydock says: ST-58, allocated in Allocate. The twin frees them.
 */
#include "common/at_passive.h"

static DECLSPEC_NOINLINE PVOID Allocate(PVOID Adapter)
{
    PHYSICAL_ADDRESS low, high, boundary;
    PVOID memory = NULL;

    low.QuadPart = 0;
    high.QuadPart = 0xFFFFFFFF;
    boundary.QuadPart = 0;
    StorPortAllocateContiguousMemorySpecifyCacheNode(Adapter, 3 * PAGE_SIZE, low, high, boundary, MmCached, MM_ANY_NODE_OK, &memory); /* EXPECT: ST-58 */
    return memory;
}

static VOID AtPassive(PVOID Adapter)
{
    PVOID memory = Allocate(Adapter);

#ifdef TWIN_CORRECT
    StorPortFreeContiguousMemorySpecifyCache(Adapter, memory, 3 * PAGE_SIZE, MmCached);
#else
    ((PNULL_ADAPTER)Adapter)->Pool = memory;
#endif
}
