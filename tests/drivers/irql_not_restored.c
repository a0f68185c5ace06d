/*
 * A callback returns at the IRQL it was called at (VER-86).
 *
 * Mistake: the passive initialisation routine raises to DISPATCH_LEVEL and returns there.
 * drydock says: VER-86, PassiveInitialize returned at DISPATCH_LEVEL. The twin lowers again.
 */
#include "common/nullhba.h"

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(DeviceExtension);
    KeRaiseIrql(DISPATCH_LEVEL, &irql); /* EXPECT: VER-86 */
#ifdef TWIN_CORRECT
    KeLowerIrql(irql);
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
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
