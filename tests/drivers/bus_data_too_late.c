/*
 * The bus's configuration space is for HwStorFindAdapter (ST-190).
 *
 * Mistake: StorPortGetBusData is called again in the passive half of the initialisation.
 * drydock says: ST-190, in ReadVendor. The twin reads it in HwStorFindAdapter only.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID ReadVendor(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    USHORT vendor = 0;

    StorPortGetBusData(Adapter, PCIConfiguration, Config->SystemIoBusNumber, Config->SlotNumber, &vendor, sizeof(vendor)); /* EXPECT: ST-190 */
}

static PPORT_CONFIGURATION_INFORMATION Config;

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    Config = ConfigInfo;
    ReadVendor(DeviceExtension, ConfigInfo);
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
#ifndef TWIN_CORRECT
    ReadVendor(DeviceExtension, Config);
#else
    UNREFERENCED_PARAMETER(DeviceExtension);
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
    init.HwFindAdapter = FindAdapter;
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
