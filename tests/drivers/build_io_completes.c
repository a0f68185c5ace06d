/*
 * HwStorBuildIo that completes the SRB itself returns FALSE (ST-71).
 *
 * Mistake: it completes the first READ and returns TRUE, so that HwStorStartIo would follow.
 * drydock says: ST-71, HwStorBuildIo. The twin returns FALSE.
 */
#include "common/nullhba.h"

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (!NullIsRead(Srb) || adapter->Reads++ != 0)
        return TRUE;
    NullComplete(DeviceExtension, Srb, NullExecute(DeviceExtension, Srb));
#ifdef TWIN_CORRECT
    return FALSE;
#else
    return TRUE;
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
