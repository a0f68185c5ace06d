/*
 * A list is given back by who had it built (ST-48).
 *
 * Mistake: Storport's own list of the request is given to StorPortPutScatterGatherList.
 * drydock says: ST-48, in GiveBack. The twin leaves it to Storport.
 */
#include "common/at_first_read.h"

static DECLSPEC_NOINLINE VOID GiveBack(PVOID Adapter, PSTOR_SCATTER_GATHER_LIST List)
{
#ifndef TWIN_CORRECT
    StorPortPutScatterGatherList(Adapter, List, FALSE); /* EXPECT: ST-48 */
#else
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(List);
#endif
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    GiveBack(Adapter, StorPortGetScatterGatherList(Adapter, Srb));
}
