/*
 * StorPortGetVirtualAddress turns addresses of extensions back, no others (ST-53).
 *
 * Mistake: it is given an address that StorPortGetPhysicalAddress never returned.
 * drydock says: ST-53, in TurnBack. The twin gives that of its uncached extension.
 */
#include "common/at_find_adapter.h"

static DECLSPEC_NOINLINE PVOID TurnBack(PVOID Adapter, STOR_PHYSICAL_ADDRESS Address)
{
    return StorPortGetVirtualAddress(Adapter, Address); /* EXPECT: ST-53 */
}

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    PVOID extension = StorPortGetUncachedExtension(Adapter, Config, PAGE_SIZE);
    STOR_PHYSICAL_ADDRESS address;
    ULONG length = 0;

    if (extension == NULL)
        return SP_RETURN_ERROR;
    address = StorPortGetPhysicalAddress(Adapter, NULL, extension, &length);
#ifndef TWIN_CORRECT
    address.QuadPart = 0x1000;
    TurnBack(Adapter, address);
    return SP_RETURN_FOUND;
#else
    return TurnBack(Adapter, address) == extension ? SP_RETURN_FOUND : SP_RETURN_ERROR;
#endif
}
