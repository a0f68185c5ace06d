/*
 * Waiting for a register has a time-out.
 *
 * Mistake: plain loads of a register wait for a bit that the device never sets.
 * drydock says: HwStorFindAdapter does not return, in WaitForBit (exit status 4), after some seconds. The twin gives up after a million loads.
 */
#include "common/at_find_adapter.h"

#define NEVER_SET 0x18 /* in virtio's common configuration: the size of queue 0 and its message */
#define BIT       0x8000u

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

static DECLSPEC_NOINLINE BOOLEAN WaitForBit(PVOID Adapter, volatile ULONG *Register)
{
    ULONG tries = 0;

    UNREFERENCED_PARAMETER(Adapter);
    while ((*Register & BIT) == 0) { /* EXPECT: does not return */
        ++tries;
#ifdef TWIN_CORRECT
        if (tries == 1000000)
            return FALSE;
#endif
    }
    return tries != 0;
}

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    PUCHAR base = MapFirst(Adapter, Config);

    if (base == NULL)
        return SP_RETURN_ERROR;
    if (!WaitForBit(Adapter, (volatile ULONG *)(PVOID)(base + NEVER_SET)))
        DbgPrint("timed out");
    return SP_RETURN_FOUND;
}
