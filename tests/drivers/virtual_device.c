/*
 * A physical miniport is no virtual device (VER-101).
 *
 * Mistake: HwStorFindAdapter sets VirtualDevice.
 * drydock says: VER-101, HwStorFindAdapter. The twin leaves it FALSE.
 */
#include "common/at_find_adapter.h"

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    UNREFERENCED_PARAMETER(Adapter);
#ifndef TWIN_CORRECT
    Config->VirtualDevice = TRUE;
#else
    UNREFERENCED_PARAMETER(Config);
#endif
    return SP_RETURN_FOUND;
}
