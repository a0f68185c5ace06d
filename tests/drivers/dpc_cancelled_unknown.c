/*
 * Only a DPC that was initialised can be cancelled (ST-95).
 *
 * Mistake: StorPortCancelDpc is given a STOR_DPC that StorPortInitializeDpc never saw.
 * drydock says: ST-95, in AtPassive. The twin initialises it.
 */
#include "common/at_passive.h"

static VOID Count(PSTOR_DPC Dpc, PVOID DeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    ++((PNULL_ADAPTER)DeviceExtension)->Spare;
}

static VOID AtPassive(PVOID Adapter)
{
    PNULL_ADAPTER adapter = Adapter;
    BOOLEAN removed = FALSE;

#ifdef TWIN_CORRECT
    StorPortInitializeDpc(adapter, &adapter->Dpc, Count);
#else
    UNREFERENCED_PARAMETER(Count);
#endif
    StorPortCancelDpc(adapter, &adapter->Dpc, &removed); /* EXPECT: ST-95 */
}
