/*
 * A loop on plain memory that another routine ends is legal, at an IRQL below that routine's.
 *
 * No mistake. HwPassiveInitialize queues a DPC and spins, at PASSIVE_LEVEL and without calling anything, until the DPC has
 * set a flag. On Windows the DPC interrupts the loop; drydock has to notice that it must.
 */
#include "common/nullhba.h"

static VOID SetFlag(PSTOR_DPC Dpc, PVOID DeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(SystemArgument1);
    UNREFERENCED_PARAMETER(SystemArgument2);
    ((PNULL_ADAPTER)DeviceExtension)->Flag = TRUE;
}

static VOID SpinUntilSet(volatile LONG *Flag)
{
    while (!*Flag)
        ;
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    StorPortInitializeDpc(adapter, &adapter->Dpc, SetFlag);
    if (!StorPortIssueDpc(adapter, &adapter->Dpc, NULL, NULL))
        return FALSE;
    SpinUntilSet(&adapter->Flag);
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
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
