/*
 * Nothing is divided by zero (0x7F, 0).
 *
 * Mistake: the number of blocks is divided by a depth that nobody set.
 * drydock says: integer division by zero, in Share (exit status 4). The twin sets it.
 */
#include "common/at_first_read.h"

static DECLSPEC_NOINLINE ULONG Share(ULONG Blocks, volatile ULONG *Depth)
{
    return Blocks / *Depth; /* EXPECT: division by zero */
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = Adapter;

    UNREFERENCED_PARAMETER(Srb);
#ifdef TWIN_CORRECT
    adapter->Spare = 4;
#endif
    adapter->Share = Share(NULL_BLOCKS, &adapter->Spare);
}
