/*
 * StorPortGetUncachedExtension may be called from HwFindAdapter only (ST-54; 0xF1, 0x2002).
 *
 * Mistake: it is called from HwInitialize, with the configuration structure kept from HwFindAdapter.
 * drydock says: ST-54, in AllocateRings. The twin allocates in HwFindAdapter.
 */
#include "common/nullhba.h"

static PPORT_CONFIGURATION_INFORMATION Config;

static DECLSPEC_NOINLINE BOOLEAN AllocateRings(PVOID Adapter)
{
    StorPortGetUncachedExtension(Adapter, Config, PAGE_SIZE); /* EXPECT: ST-54 */
    return TRUE;
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ULONG found = NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);

    Config = ConfigInfo;
#ifdef TWIN_CORRECT
    AllocateRings(DeviceExtension);
#endif
    return found;
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
#ifdef TWIN_CORRECT
    return NullInitialize(DeviceExtension);
#else
    return AllocateRings(DeviceExtension);
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.HwInitialize = Initialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
