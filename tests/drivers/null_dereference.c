/*
 * A pointer that may be NULL is checked before it is used (VER-83).
 *
 * Mistake: the first READ writes through a NULL pointer.
 * drydock says: unhandled fault, write to address 0 in StoreNothing (exit status 4). The twin checks.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID StoreNothing(volatile ULONG *Pointer)
{
#ifdef TWIN_CORRECT
    if (Pointer == NULL)
        return;
#endif
    *Pointer = 1; /* EXPECT: VER-83 */
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb))
        StoreNothing(adapter->Pool);
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
