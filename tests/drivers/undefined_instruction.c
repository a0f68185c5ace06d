/*
 * Code that cannot be reached must not be reached: compilers put ud2 there.
 *
 * Mistake: the first READ has an opcode that the switch says cannot be.
 * drydock says: illegal instruction in TransferBytes (exit status 4). The twin knows all of them.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE ULONG TransferBytes(UCHAR Group)
{
    switch (Group) {
    case 0:  return 6;
    case 1:  return 10;
    case 5:  return 12;
#ifdef TWIN_CORRECT
    case 4:  return 16;
#endif
    default: __asm__ volatile("ud2"); /* EXPECT: VER-83 */
    }
    return 0;
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;

    if (NullIsRead(Srb))
        adapter->Spare += TransferBytes(4);
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
