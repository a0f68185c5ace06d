/* Where the common configuration of a virtio device is mapped (virtio 1.2, 4.1.4), for fixtures that want registers. */
#pragma once

#include <ntddk.h>
#include <storport.h>

#define VIRTIO_PCI_BYTES 256

static ULONG VirtioPci32(const UCHAR *Pci, ULONG At)
{
    return Pci[At] | (ULONG)Pci[At + 1] << 8 | (ULONG)Pci[At + 2] << 16 | (ULONG)Pci[At + 3] << 24;
}

/* The offset in configuration space of the capability for the common configuration; 0 if there is none. */
static ULONG VirtioCommonCapability(const UCHAR *Pci)
{
    ULONG at = Pci[0x34] & ~3u;
    ULONG left = 48;

    while (at >= 0x40 && left-- > 0) {
        if (Pci[at] == 9 && Pci[at + 3] == 1)
            return at;
        at = Pci[at + 1] & ~3u;
    }
    return 0;
}

static PUCHAR VirtioCommonRegisters(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    static UCHAR pci[VIRTIO_PCI_BYTES];
    ULONG at, bar, i;
    ULONGLONG address;

    StorPortGetBusData(Adapter, PCIConfiguration, Config->SystemIoBusNumber, Config->SlotNumber, pci, sizeof(pci));
    at = VirtioCommonCapability(pci);
    if (at == 0)
        return NULL;
    bar = 0x10 + 4 * pci[at + 4];
    address = VirtioPci32(pci, bar) & ~0xFu;
    if ((VirtioPci32(pci, bar) & 6) == 4)
        address |= (ULONGLONG)VirtioPci32(pci, bar + 4) << 32;
    for (i = 0; i < Config->NumberOfAccessRanges; ++i) {
        PACCESS_RANGE range = &(*Config->AccessRanges)[i];

        if ((ULONGLONG)range->RangeStart.QuadPart == address)
            return (PUCHAR)StorPortGetDeviceBase(Adapter, Config->AdapterInterfaceType, Config->SystemIoBusNumber,
                                                 range->RangeStart, range->RangeLength, FALSE) + VirtioPci32(pci, at + 8);
    }
    return NULL;
}
