/*
 * A spin lock is released by who acquired it (VER-91).
 *
 * Mistake: HwStorBuildIo on one processor keeps the lock of the first READ for good, and the others wait for it.
 * drydock says: VER-91 (never released), in Enter, after a wait of 20 s on the machine's clock. The twin releases it.
 */
#include "common/nullhba.h"

static KSPIN_LOCK Lock;
static ULONG Keeper = ~0u;            /* the processor that never released it */

static DECLSPEC_NOINLINE VOID Enter(VOID)
{
    KeAcquireSpinLockAtDpcLevel(&Lock); /* EXPECT: VER-91 */
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    ULONG processor = KeGetCurrentProcessorNumberEx(NULL);

    UNREFERENCED_PARAMETER(DeviceExtension);
    if (!NullIsRead(Srb) || processor == Keeper)
        return TRUE;
    Enter();
#ifndef TWIN_CORRECT
    if (Keeper == ~0u) {
        Keeper = processor;
        return TRUE;
    }
#endif
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
