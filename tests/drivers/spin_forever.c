/*
 * A loop on plain memory ends.
 *
 * Mistake: HwStorStartIo waits for a flag that nothing sets.
 * drydock says: a loop without end, in SpinUntilSet (exit status 4), after a second or two. The twin has set the flag.
 */
#include "common/at_first_read.h"

static DECLSPEC_NOINLINE VOID SpinUntilSet(volatile LONG *Flag)
{
    while (!*Flag) /* EXPECT: a loop */
        ;
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = Adapter;

    UNREFERENCED_PARAMETER(Srb);
#ifdef TWIN_CORRECT
    adapter->Flag = TRUE;
#endif
    SpinUntilSet(&adapter->Flag);
}
