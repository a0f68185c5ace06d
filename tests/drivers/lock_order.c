/*
 * The StartIo lock is taken before the interrupt lock, never inside it (VER-89).
 *
 * Mistake: a routine under the interrupt lock takes the StartIo lock.
 * drydock says: VER-89, in TakeBoth. The twin takes them in order.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID TakeBoth(PVOID Adapter)
{
    STOR_LOCK_HANDLE first, second;
#ifdef TWIN_CORRECT
    STOR_SPINLOCK outer = StartIoLock, inner = InterruptLock;
#else
    STOR_SPINLOCK outer = InterruptLock, inner = StartIoLock;
#endif

    RtlZeroMemory(&first, sizeof(first));
    RtlZeroMemory(&second, sizeof(second));
    StorPortAcquireSpinLock(Adapter, outer, NULL, &first);
    StorPortAcquireSpinLock(Adapter, inner, NULL, &second); /* EXPECT: VER-89 */
    StorPortReleaseSpinLock(Adapter, &second);
    StorPortReleaseSpinLock(Adapter, &first);
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb) && adapter->Reads++ == 0)
        TakeBoth(adapter);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
