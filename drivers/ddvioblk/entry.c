/* entry.c - DriverEntry: the driver introduces itself to Storport. */
#include "ddvioblk.h"

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    RtlZeroMemory(&init, sizeof(init));
    init.HwInitializationDataSize = sizeof(init);
    init.AdapterInterfaceType = PCIBus;

    init.HwFindAdapter = HwFindAdapter;
    init.HwInitialize = HwInitialize;
    init.HwBuildIo = HwBuildIo;
    init.HwStartIo = HwStartIo;
    init.HwInterrupt = HwInterrupt;          /* required, even where MSI-X will be used */
    init.HwResetBus = HwResetBus;
    init.HwAdapterControl = HwAdapterControl;

    /* Storport insists on these four: every Storport miniport does all of this. */
    init.NeedPhysicalAddresses = TRUE;
    init.TaggedQueuing = TRUE;
    init.AutoRequestSense = TRUE;
    init.MultipleRequestPerLu = TRUE;

    /* Data of READ and WRITE goes by DMA and is not mapped for us; we do want to see an INQUIRY's buffer. */
    init.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;

    /* Extended SRBs. srbhelper.h reads both kinds, so nothing else in this driver depends on it. */
    init.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    init.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;

    init.DeviceExtensionSize = sizeof(ADAPTER);
    init.SrbExtensionSize = REQUEST_BYTES(16);   /* HwFindAdapter raises it when it knows the device's limit */
    init.NumberOfAccessRanges = 6;               /* a PCI device has six BARs */

    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
