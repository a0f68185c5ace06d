/*
 * Storport routines are given the adapter's own device extension (ST-05).
 *
 * Mistake: StorPortReady is given the address of a static instead.
 * drydock says: ST-05, in AtPassive. The twin gives the device extension.
 */
#include "common/at_passive.h"

#ifndef TWIN_CORRECT
static NULL_ADAPTER Other;
#endif

static VOID AtPassive(PVOID Adapter)
{
#ifndef TWIN_CORRECT
    Adapter = &Other;
#endif
    StorPortReady(Adapter); /* EXPECT: ST-05 */
}
