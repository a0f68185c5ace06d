/*
 * A loop on plain memory is legal even if what ends it is seconds away.
 *
 * No mistake. The passive half of the initialisation spins until a timer has fired, after 5 s.
 */
#include "common/at_passive.h"

static DECLSPEC_NOINLINE VOID SpinUntilSet(volatile LONG *Flag)
{
    while (!*Flag)
        ;
}

static VOID SetFlag(PVOID DeviceExtension, PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ((PNULL_ADAPTER)DeviceExtension)->Flag = TRUE;
}

static VOID AtPassive(PVOID Adapter)
{
    PNULL_ADAPTER adapter = Adapter;
    PVOID timer = NULL;

    if (StorPortInitializeTimer(adapter, &timer) != STOR_STATUS_SUCCESS)
        return;
    if (StorPortRequestTimer(adapter, timer, SetFlag, NULL, 5000000, 0) == STOR_STATUS_SUCCESS) {
        SpinUntilSet(&adapter->Flag);
        DbgPrint("released by the timer");
    }
    StorPortFreeTimer(adapter, timer);
}
