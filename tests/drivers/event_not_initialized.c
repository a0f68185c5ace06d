/*
 * An event is initialised before it is used (ST-194).
 *
 * Mistake: an event that StorPortInitializeEvent never saw is set.
 * drydock says: ST-194, in SetIt. The twin initialises it first.
 */
#include "common/at_passive.h"

static STOR_EVENT Event;

static DECLSPEC_NOINLINE VOID SetIt(PVOID Adapter)
{
    StorPortSetEvent(Adapter, &Event); /* EXPECT: ST-194 */
}

static VOID AtPassive(PVOID Adapter)
{
#ifdef TWIN_CORRECT
    StorPortInitializeEvent(Adapter, &Event, StorNotificationEvent, FALSE);
#endif
    SetIt(Adapter);
}
