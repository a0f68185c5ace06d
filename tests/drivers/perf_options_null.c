/*
 * StorPortInitializePerfOpts is given a structure (VER-100).
 *
 * Mistake: it is given NULL.
 * drydock says: VER-100, in AtPassive. The twin gives one.
 */
#include "common/at_passive.h"

static VOID AtPassive(PVOID Adapter)
{
    PERF_CONFIGURATION_DATA data;
    PPERF_CONFIGURATION_DATA where = &data;

    RtlZeroMemory(&data, sizeof(data));
    data.Version = STOR_PERF_VERSION;
    data.Size = sizeof(data);
#ifndef TWIN_CORRECT
    where = NULL;
#endif
    StorPortInitializePerfOpts(Adapter, TRUE, where); /* EXPECT: VER-100 */
}
