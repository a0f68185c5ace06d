/*
 * StorPortValidateRange is deprecated (VER-82).
 *
 * Mistake: it is called.
 * drydock says: VER-82, in AtFindAdapter. The twin does without.
 */
#include "common/at_find_adapter.h"

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
#ifndef TWIN_CORRECT
    STOR_PHYSICAL_ADDRESS address = (*Config->AccessRanges)[0].RangeStart;

    StorPortValidateRange(Adapter, PCIBus, Config->SystemIoBusNumber, address, 16, FALSE); /* EXPECT: VER-82 */
#else
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Config);
#endif
    return SP_RETURN_FOUND;
}
