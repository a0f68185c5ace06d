/*
 * Waiting in small steps ends as well.
 *
 * Mistake: HwStorStartIo stalls, 10 us at a time, until a flag is set that nothing sets.
 * drydock says: HwStorStartIo does not return, in StallUntilSet (exit status 4), after some seconds. The twin gives up after a second.
 */
#include "common/at_first_read.h"

static DECLSPEC_NOINLINE BOOLEAN StallUntilSet(volatile LONG *Flag)
{
    ULONG tries = 0;

    while (!*Flag) {
        StorPortStallExecution(10); /* EXPECT: does not return */
        ++tries;
#ifdef TWIN_CORRECT
        if (tries == 100000)
            return FALSE;
#endif
    }
    return tries != 0;
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = Adapter;

    UNREFERENCED_PARAMETER(Srb);
    adapter->Share = StallUntilSet(&adapter->Flag);
}
