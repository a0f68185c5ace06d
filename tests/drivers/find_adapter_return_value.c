/*
 * HwStorFindAdapter returns one of four values (VER-94).
 *
 * Mistake: it returns 77.
 * drydock says: VER-94, and the driver does not start. The twin returns SP_RETURN_FOUND.
 */
#include "common/at_find_adapter.h"

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Config);
#ifdef TWIN_CORRECT
    return SP_RETURN_FOUND;
#else
    return 77;
#endif
}
