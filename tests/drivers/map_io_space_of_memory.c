/*
 * MmMapIoSpace is for registers, not for memory (VER-57).
 *
 * Mistake: the device extension is mapped with it.
 * drydock says: VER-57, in MapIt. The twin maps the adapter's first range.
 */
#include "common/at_find_adapter.h"

static DECLSPEC_NOINLINE VOID MapIt(PHYSICAL_ADDRESS Address)
{
    PVOID mapped = MmMapIoSpace(Address, 16, MmNonCached); /* EXPECT: VER-57 */

    if (mapped != NULL)
        MmUnmapIoSpace(mapped, 16);
}

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    PHYSICAL_ADDRESS address;
    ULONG length = 0, i;

    address = StorPortGetPhysicalAddress(Adapter, NULL, Adapter, &length);
#ifdef TWIN_CORRECT
    for (i = 0; i < Config->NumberOfAccessRanges; ++i)
        if ((*Config->AccessRanges)[i].RangeInMemory && (*Config->AccessRanges)[i].RangeLength >= 16)
            address = (*Config->AccessRanges)[i].RangeStart;
#else
    UNREFERENCED_PARAMETER(Config);
    UNREFERENCED_PARAMETER(i);
#endif
    MapIt(address);
    return SP_RETURN_FOUND;
}
