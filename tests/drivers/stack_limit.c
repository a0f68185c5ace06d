/*
 * A thread has 24 KiB of kernel stack (VER-83; 0x7F, 8).
 *
 * Mistake: a routine keeps 40 KiB in locals.
 * drydock says: VER-83, and goes on, since its own stacks are larger. The twin keeps 4 KiB.
 */
#include "common/at_passive.h"

#ifdef TWIN_CORRECT
#define LOCAL_BYTES 4096
#else
#define LOCAL_BYTES 40960
#endif

static DECLSPEC_NOINLINE VOID FillLocals(PVOID Adapter)
{
    volatile UCHAR locals[LOCAL_BYTES];
    ULONG i;

    for (i = 0; i < LOCAL_BYTES; i += 512)
        locals[i] = (UCHAR)i;
    StorPortStallExecution(locals[512] & 1); /* EXPECT: VER-83 */
    ((PNULL_ADAPTER)Adapter)->Spare = locals[1024];
}

static VOID AtPassive(PVOID Adapter)
{
    FillLocals(Adapter);
}
