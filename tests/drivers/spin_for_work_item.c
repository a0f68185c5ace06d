/*
 * A loop at PASSIVE_LEVEL is legal when another thread ends it: threads share a processor.
 *
 * No mistake. The passive half of the initialisation spins until a work item has run.
 */
#include "common/at_passive.h"

static DECLSPEC_NOINLINE VOID SpinUntilSet(volatile LONG *Flag)
{
    while (!*Flag)
        ;
}

static VOID SetFlag(PVOID DeviceExtension, PVOID Context, PVOID Worker)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Worker);
    ((PNULL_ADAPTER)DeviceExtension)->Flag = TRUE;
}

static VOID AtPassive(PVOID Adapter)
{
    PNULL_ADAPTER adapter = Adapter;
    PVOID worker = NULL;

    if (StorPortInitializeWorker(adapter, &worker) != STOR_STATUS_SUCCESS)
        return;
    if (StorPortQueueWorkItem(adapter, SetFlag, worker, NULL) == STOR_STATUS_SUCCESS) {
        SpinUntilSet(&adapter->Flag);
        DbgPrint("released by the work item");
    }
    StorPortFreeWorker(adapter, worker);
}
