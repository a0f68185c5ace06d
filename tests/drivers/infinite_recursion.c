/*
 * The stack ends (0x7F, 8).
 *
 * Mistake: Descend calls itself without end.
 * drydock says: kernel stack overflow, in Descend (exit status 4). The twin comes back after ten levels.
 */
#include "common/at_first_read.h"

#ifdef TWIN_CORRECT
#define DEEPEST 10
#else
#define DEEPEST 0xFFFFFFFF
#endif

static DECLSPEC_NOINLINE ULONG Descend(volatile ULONG *Level)
{
    volatile ULONG here = ++*Level;

    if (here < DEEPEST)
        here += Descend(Level); /* EXPECT: stack overflow */
    return here;
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Srb);
    Descend(&((PNULL_ADAPTER)Adapter)->Spare);
}
