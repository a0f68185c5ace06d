/*
 * A DPC has a routine (ST-93).
 *
 * Mistake: StorPortInitializeDpc is given NULL for it.
 * drydock says: ST-93, in AtPassive. The twin gives one.
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
    PHW_DPC_ROUTINE routine = Count;

#ifndef TWIN_CORRECT
    routine = NULL;
#endif
    StorPortInitializeDpc(Adapter, &((PNULL_ADAPTER)Adapter)->Dpc, routine); /* EXPECT: ST-93 */
}
