/*
 * Timers are freed before the driver unloads (ST-96).
 *
 * Mistake: a timer from StorPortInitializeTimer is never freed.
 * drydock says: ST-96, from MakeTimer. The twin frees it.
 */
#include "common/at_passive.h"

static DECLSPEC_NOINLINE PVOID MakeTimer(PVOID Adapter)
{
    PVOID timer = NULL;

    StorPortInitializeTimer(Adapter, &timer); /* EXPECT: ST-96 */
    return timer;
}

static VOID AtPassive(PVOID Adapter)
{
    PVOID timer = MakeTimer(Adapter);

#ifdef TWIN_CORRECT
    StorPortFreeTimer(Adapter, timer);
#else
    ((PNULL_ADAPTER)Adapter)->Pool = timer;
#endif
}
