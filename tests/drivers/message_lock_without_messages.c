/*
 * StorPortAcquireMSISpinLock is for InterruptSynchronizePerMessage (VER-90).
 *
 * Mistake: the interrupts are synchronised all together.
 * drydock says: VER-90, in LockMessage. The twin asks for InterruptSynchronizePerMessage.
 */
#include "common/nullhba.h"

static BOOLEAN MessageInterrupt(PVOID DeviceExtension, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(MessageId);
    return FALSE;
}

static DECLSPEC_NOINLINE VOID LockMessage(PVOID Adapter)
{
    ULONG irql = 0;

    if (StorPortAcquireMSISpinLock(Adapter, 0, &irql) == STOR_STATUS_SUCCESS) /* EXPECT: VER-90 */
        StorPortReleaseMSISpinLock(Adapter, 0, irql);
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ConfigInfo->HwMSInterruptRoutine = MessageInterrupt;
#ifdef TWIN_CORRECT
    ConfigInfo->InterruptSynchronizationMode = InterruptSynchronizePerMessage;
#else
    ConfigInfo->InterruptSynchronizationMode = InterruptSynchronizeAll;
#endif
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Reads++ == 0)
        LockMessage(adapter);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
