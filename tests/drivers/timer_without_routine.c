/*
 * RequestTimerCall names a routine (VER-100).
 *
 * Mistake: it is asked for with NULL.
 * drydock says: VER-100, in AtPassive. The twin names one.
 */
#include "common/at_passive.h"

static VOID Tick(PVOID DeviceExtension)
{
    ++((PNULL_ADAPTER)DeviceExtension)->Spare;
}

static VOID AtPassive(PVOID Adapter)
{
    PHW_TIMER routine = Tick;

#ifndef TWIN_CORRECT
    routine = NULL;
#endif
    StorPortNotification(RequestTimerCall, Adapter, routine, 1000); /* EXPECT: VER-100 */
}
