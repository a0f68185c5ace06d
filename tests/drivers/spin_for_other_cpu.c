/*
 * A loop at DISPATCH_LEVEL on plain memory is legal when a DPC of another processor ends it.
 *
 * No mistake. A timer routine, a DPC of processor 0, sets the flag that HwStorBuildIo waits for on another processor.
 * The debug output says that it came to that.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID SpinUntilSet(volatile LONG *Flag)
{
    while (!*Flag)
        ;
}

static BOOLEAN Done;

static VOID SetFlag(PVOID DeviceExtension, PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    ((PNULL_ADAPTER)DeviceExtension)->Flag = TRUE;
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (Done || !NullIsRead(Srb) || KeGetCurrentProcessorNumberEx(NULL) == 0)
        return TRUE;
    Done = TRUE;
    if (StorPortRequestTimer(adapter, adapter->Pool, SetFlag, NULL, 50000, 0) == STOR_STATUS_SUCCESS) {
        SpinUntilSet(&adapter->Flag);
        DbgPrint("released by another processor");
    }
    StorPortFreeTimer(adapter, adapter->Pool);
    return TRUE;
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    return (BOOLEAN)(StorPortInitializeTimer(adapter, &adapter->Pool) == STOR_STATUS_SUCCESS);
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    return StorPortEnablePassiveInitialization(DeviceExtension, PassiveInitialize);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwBuildIo = BuildIo;
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
