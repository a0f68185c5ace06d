/*
 * A DPC lock belongs to a STOR_DPC that StorPortInitializeDpc has seen (ST-80).
 *
 * Mistake: the lock of a STOR_DPC that was never initialised is acquired.
 * drydock says: ST-80, in AtFirstRead. The twin initialises it first.
 */
#include "common/nullhba.h"

static VOID Nothing(PSTOR_DPC Dpc, PVOID DeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
}

static DECLSPEC_NOINLINE VOID LockDpc(PNULL_ADAPTER Adapter)
{
    STOR_LOCK_HANDLE lock;

    RtlZeroMemory(&lock, sizeof(lock));
    StorPortAcquireSpinLock(Adapter, DpcLock, &Adapter->Dpc, &lock); /* EXPECT: ST-80 */
    StorPortReleaseSpinLock(Adapter, &lock);
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Reads++ == 0)
        LockDpc(adapter);
    return TRUE;
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
#ifdef TWIN_CORRECT
    StorPortInitializeDpc(DeviceExtension, &((PNULL_ADAPTER)DeviceExtension)->Dpc, Nothing);
#else
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(Nothing);
#endif
    return TRUE;
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
