/*
 * A driver that unloads leaves nothing behind (ST-57, ST-58, ST-96).
 *
 * Mistake: pool, contiguous memory, a timer and a work item are never given back.
 * drydock says: each of them by itself, at the line that made it. The twin gives all back.
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
    PVOID pool = NULL, timer = NULL, worker = NULL, memory = Allocate(Adapter);

    StorPortAllocatePool(Adapter, 100, 0x6B61656C, &pool); /* EXPECT: ST-57 */
    StorPortInitializeTimer(Adapter, &timer);
    StorPortInitializeWorker(Adapter, &worker);
#ifdef TWIN_CORRECT
    StorPortFreeWorker(Adapter, worker);
    StorPortFreeTimer(Adapter, timer);
    StorPortFreePool(Adapter, pool);
    StorPortFreeContiguousMemorySpecifyCache(Adapter, memory, 3 * PAGE_SIZE, MmCached);
#else
    UNREFERENCED_PARAMETER(memory);
#endif
}
