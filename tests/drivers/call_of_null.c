/*
 * A routine that is called exists.
 *
 * Mistake: a pointer to a routine was never set.
 * drydock says: a call of address 0, in Ask (exit status 4). The twin sets it.
 */
#include "common/at_first_read.h"

typedef ULONG ASK(ULONG Question);

static ULONG Answer(ULONG Question)
{
    return Question + 1;
}

static DECLSPEC_NOINLINE ULONG Ask(ASK *volatile *Routine)
{
    return (*Routine)(1) + 1; /* EXPECT: a call of address 0 */
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    ASK *volatile routine = NULL;

    UNREFERENCED_PARAMETER(Srb);
#ifdef TWIN_CORRECT
    routine = Answer;
#else
    UNREFERENCED_PARAMETER(Answer);
#endif
    ((PNULL_ADAPTER)Adapter)->Share = Ask(&routine);
}
