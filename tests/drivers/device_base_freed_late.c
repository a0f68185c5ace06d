/*
 * Mappings of registers are given back in HwStorFindAdapter or not at all (VER-44).
 *
 * Mistake: the passive half of the initialisation gives the mapping back.
 * drydock says: VER-44, in FreeRegisters. The twin gives it back in HwStorFindAdapter.
 */
#include "common/nullhba.h"

static DECLSPEC_NOINLINE PVOID MapFirst(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    ULONG i;

    for (i = 0; i < Config->NumberOfAccessRanges; ++i) {
        PACCESS_RANGE range = &(*Config->AccessRanges)[i];

        if (range->RangeLength != 0 && range->RangeInMemory)
            return StorPortGetDeviceBase(Adapter, Config->AdapterInterfaceType, Config->SystemIoBusNumber, range->RangeStart,
                                         range->RangeLength, FALSE);
    }
    return NULL;
}

static PVOID Base;

static DECLSPEC_NOINLINE VOID FreeRegisters(PVOID Adapter)
{
    StorPortFreeDeviceBase(Adapter, Base); /* EXPECT: VER-44 */
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    Base = MapFirst(DeviceExtension, ConfigInfo);
#ifdef TWIN_CORRECT
    FreeRegisters(DeviceExtension);
#endif
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
#ifndef TWIN_CORRECT
    FreeRegisters(DeviceExtension);
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
