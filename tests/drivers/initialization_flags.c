/*
 * Four members of HW_INITIALIZATION_DATA are TRUE in every Storport miniport (ST-12).
 *
 * Mistake: TaggedQueuing is left FALSE.
 * drydock says: ST-12. The twin leaves all four as NullDescribe set them.
 */
#include "common/nullhba.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    #ifndef TWIN_CORRECT
    init.TaggedQueuing = FALSE;
#endif
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
