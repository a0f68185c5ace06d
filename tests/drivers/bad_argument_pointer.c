/*
 * What a routine is to fill must be memory of the driver (BUF-68).
 *
 * Mistake: StorPortQuerySystemTime is given a small number for a pointer.
 * drydock says: BUF-68, in AtPassive; nothing is written. The twin gives a local.
 */
#include "common/at_passive.h"

static VOID AtPassive(PVOID Adapter)
{
    LARGE_INTEGER now;
    PLARGE_INTEGER where = &now;

    UNREFERENCED_PARAMETER(Adapter);
#ifndef TWIN_CORRECT
    where = (PLARGE_INTEGER)(ULONG_PTR)0x10;
#endif
    StorPortQuerySystemTime(where); /* EXPECT: BUF-68 */
}
