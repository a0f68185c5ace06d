/*
 * StorPortGetDeviceBase maps only what plug and play assigned (ST-191; 0xF1, 0x2003).
 *
 * Mistake: a fixed address (the local APIC's) is mapped instead of an access range.
 * drydock says: ST-191, in MapRegisters. The twin maps the first access range.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE VOID MapRegisters(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    STOR_PHYSICAL_ADDRESS address;
    ULONG length = 0x1000;
    BOOLEAN io = FALSE;

    address.QuadPart = 0xFEE00000;
#ifdef TWIN_CORRECT
    address = (*Config->AccessRanges)[0].RangeStart;
    length = (*Config->AccessRanges)[0].RangeLength;
    io = (BOOLEAN)!(*Config->AccessRanges)[0].RangeInMemory;
#endif
    StorPortGetDeviceBase(Adapter, Config->AdapterInterfaceType, Config->SystemIoBusNumber, address, length, io); /* EXPECT: ST-191 */
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    MapRegisters(DeviceExtension, ConfigInfo);
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
