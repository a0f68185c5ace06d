/*
 * A mapping of registers is given back once (ST-191).
 *
 * Mistake: StorPortFreeDeviceBase is called twice with the same address.
 * drydock says: ST-191, in AtFindAdapter. The twin calls it once.
 */
#include "common/at_find_adapter.h"

static DECLSPEC_NOINLINE PVOID MapFirst(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    ULONG i;

    for (i = 0; i < Config->NumberOfAccessRanges; ++i) {
        PACCESS_RANGE range = &(*Config->AccessRanges)[i];

        if (range->RangeLength != 0 && range->RangeInMemory)
            return StorPortGetDeviceBase(Adapter, Config->AdapterInterfaceType, Config->SystemIoBusNumber, range->RangeStart,
                                         range->RangeLength, FALSE);
    }
    return NULL;
}

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    PVOID base = MapFirst(Adapter, Config);

    StorPortFreeDeviceBase(Adapter, base);
#ifndef TWIN_CORRECT
    StorPortFreeDeviceBase(Adapter, base); /* EXPECT: ST-191 */
#endif
    return SP_RETURN_FOUND;
}
