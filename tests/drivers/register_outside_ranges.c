/*
 * Register routines are given registers (VER-46; 0xF1, 0x2005).
 *
 * Mistake: StorPortReadRegisterUlong reads a word of the device extension.
 * drydock says: VER-46, in AtFindAdapter. The twin reads the adapter's first register.
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
    PVOID address = MapFirst(Adapter, Config);

#ifndef TWIN_CORRECT
    address = &((PNULL_ADAPTER)Adapter)->Spare;
#endif
    StorPortReadRegisterUlong(Adapter, address); /* EXPECT: VER-46 */
    return SP_RETURN_FOUND;
}
