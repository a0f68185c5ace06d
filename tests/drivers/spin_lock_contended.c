/*
 * Two processors wait for each other's spin locks without harm.
 *
 * No mistake. HwStorBuildIo, which runs on all processors at once, counts under a spin lock of the driver's own; whoever comes
 * second spins until the other is done.
 */
#include "common/nullhba.h"

static KSPIN_LOCK Lock;
static ULONG Count;

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(Srb);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    StorPortStallExecution(2);
    ++Count;
    KeReleaseSpinLockFromDpcLevel(&Lock);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    KeInitializeSpinLock(&Lock);
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
