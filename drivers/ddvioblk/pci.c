/*
 * pci.c - finds the register blocks of a virtio PCI device.
 *
 * A modern virtio device says in vendor-specific PCI capabilities which BAR holds what (virtio 1.2, 4.1.4). Storport has
 * already assigned the BARs: they are the access ranges of the configuration information, and the one with the BAR's
 * address is the BAR. StorPortGetDeviceBase maps it; unmapping is Storport's business when the adapter goes.
 */
#include "ddvioblk.h"

#define PCI_STATUS_CAPABILITIES  0x10
#define PCI_CAPABILITY_VENDOR    0x09
#define PCI_CAPABILITY_MSIX_ID   0x11
#define MSIX_CONTROL_ENABLE      0x8000
#define MSIX_CONTROL_TABLE_SIZE  0x07FF

#define PCI_OFFSET_VENDOR        0x00
#define PCI_OFFSET_DEVICE        0x02
#define PCI_OFFSET_STATUS        0x06
#define PCI_OFFSET_BARS          0x10
#define PCI_OFFSET_CAPABILITIES  0x34
#define PCI_CONFIG_BYTES         256
#define PCI_BARS                 6

#define PCI_BAR_IO               0x1
#define PCI_BAR_TYPE_MASK        0x6
#define PCI_BAR_TYPE_64          0x4
#define PCI_BAR_FLAGS            0xFULL

typedef struct _PCI_VIEW {
    PADAPTER Adapter;
    PPORT_CONFIGURATION_INFORMATION Config;
    PUCHAR   Base[PCI_BARS];          /* each BAR is mapped once */
    UCHAR    Space[PCI_CONFIG_BYTES];
} PCI_VIEW, *PPCI_VIEW;

static USHORT PciUshort(PPCI_VIEW View, ULONG Offset)
{
    return (USHORT)(View->Space[Offset] | View->Space[Offset + 1] << 8);
}

static ULONG PciUlong(PPCI_VIEW View, ULONG Offset)
{
    return PciUshort(View, Offset) | (ULONG)PciUshort(View, Offset + 2) << 16;
}

/* The memory address in a BAR; 0 for an unused BAR or an I/O BAR (the transitional interface, which we do not use). */
static ULONGLONG PciBarAddress(PPCI_VIEW View, ULONG Bar)
{
    ULONG low = PciUlong(View, PCI_OFFSET_BARS + 4 * Bar);
    ULONGLONG address = low;

    if (low & PCI_BAR_IO)
        return 0;
    if ((low & PCI_BAR_TYPE_MASK) == PCI_BAR_TYPE_64 && Bar + 1 < PCI_BARS)
        address |= (ULONGLONG)PciUlong(View, PCI_OFFSET_BARS + 4 * (Bar + 1)) << 32;
    return address & ~PCI_BAR_FLAGS;
}

static PUCHAR PciMapBar(PPCI_VIEW View, ULONG Bar)
{
    PACCESS_RANGE ranges = *View->Config->AccessRanges;
    ULONGLONG address = PciBarAddress(View, Bar);
    ULONG i;

    for (i = 0; address != 0 && i < View->Config->NumberOfAccessRanges; ++i) {
        if ((ULONGLONG)ranges[i].RangeStart.QuadPart != address)
            continue;
        return (PUCHAR)StorPortGetDeviceBase(View->Adapter, View->Config->AdapterInterfaceType,
                                             View->Config->SystemIoBusNumber, ranges[i].RangeStart,
                                             ranges[i].RangeLength, (BOOLEAN)!ranges[i].RangeInMemory);
    }
    return NULL;
}

/* The virtual address of the register block that a capability describes; NULL if it is not usable. */
static PUCHAR PciMapCapability(PPCI_VIEW View, ULONG Offset)
{
    const VIRTIO_PCI_CAP *cap = (const VIRTIO_PCI_CAP *)&View->Space[Offset];

    if (cap->Bar >= PCI_BARS)
        return NULL;
    if (View->Base[cap->Bar] == NULL)
        View->Base[cap->Bar] = PciMapBar(View, cap->Bar);
    return View->Base[cap->Bar] != NULL ? View->Base[cap->Bar] + cap->Offset : NULL;
}

/* The first capability of a kind is the one the device prefers (4.1.4): later ones do not replace it. */
static VOID PciTakeVirtio(PPCI_VIEW View, ULONG Offset)
{
    PADAPTER adapter = View->Adapter;

    switch (((const VIRTIO_PCI_CAP *)&View->Space[Offset])->CfgType) {
    case VIRTIO_PCI_CAP_COMMON_CFG:
        if (adapter->Common == NULL)
            adapter->Common = (VIRTIO_COMMON_CFG *)PciMapCapability(View, Offset);
        break;
    case VIRTIO_PCI_CAP_NOTIFY_CFG:
        if (adapter->Notify == NULL && Offset + sizeof(VIRTIO_PCI_CAP) + sizeof(ULONG) <= PCI_CONFIG_BYTES) {
            adapter->Notify = PciMapCapability(View, Offset);
            adapter->NotifyMultiplier = PciUlong(View, Offset + sizeof(VIRTIO_PCI_CAP));
        }
        break;
    case VIRTIO_PCI_CAP_ISR_CFG:
        if (adapter->Isr == NULL)
            adapter->Isr = PciMapCapability(View, Offset);
        break;
    case VIRTIO_PCI_CAP_DEVICE_CFG:
        if (adapter->DeviceConfig == NULL)
            adapter->DeviceConfig = (VIRTIO_BLK_CONFIG *)PciMapCapability(View, Offset);
        break;
    default:
        break;
    }
}

/* The system enables MSI-X, before HwFindAdapter; a miniport only looks whether it did. */
static VOID PciTakeMsix(PPCI_VIEW View, ULONG Offset, PULONG MessagesMax)
{
    USHORT control = PciUshort(View, Offset + 2);

    View->Adapter->MsixEnabled = (BOOLEAN)((control & MSIX_CONTROL_ENABLE) != 0);
    *MessagesMax = (control & MSIX_CONTROL_TABLE_SIZE) + 1;
}

static VOID PciWalkCapabilities(PPCI_VIEW View, PULONG MessagesMax)
{
    ULONG offset = View->Space[PCI_OFFSET_CAPABILITIES] & ~3u;
    ULONG left = PCI_CONFIG_BYTES / 4;       /* a broken device's list could be a circle */

    while (offset >= 0x40 && offset + sizeof(VIRTIO_PCI_CAP) <= PCI_CONFIG_BYTES && left-- > 0) {
        if (View->Space[offset] == PCI_CAPABILITY_VENDOR)
            PciTakeVirtio(View, offset);
        else if (View->Space[offset] == PCI_CAPABILITY_MSIX_ID)
            PciTakeMsix(View, offset, MessagesMax);
        offset = View->Space[offset + 1] & ~3u;
    }
}

static BOOLEAN PciIsVirtioBlock(PPCI_VIEW View)
{
    USHORT device = PciUshort(View, PCI_OFFSET_DEVICE);

    return (BOOLEAN)(PciUshort(View, PCI_OFFSET_VENDOR) == VIRTIO_PCI_VENDOR
                     && (device == VIRTIO_PCI_DEVICE_BLK || device == VIRTIO_PCI_DEVICE_BLK_LEGACY_ID)
                     && (PciUshort(View, PCI_OFFSET_STATUS) & PCI_STATUS_CAPABILITIES) != 0);
}

/* FALSE: not a device for us. MessagesMax: the size of its MSI-X table, 0 if it has none. */
BOOLEAN PciFindRegisters(PADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config, PULONG MessagesMax)
{
    PCI_VIEW view;
    ULONG got;

    RtlZeroMemory(&view, sizeof(view));
    view.Adapter = Adapter;
    view.Config = Config;
    *MessagesMax = 0;

    got = StorPortGetBusData(Adapter, PCIConfiguration, Config->SystemIoBusNumber, Config->SlotNumber,
                             view.Space, PCI_CONFIG_BYTES);
    if (got != PCI_CONFIG_BYTES || !PciIsVirtioBlock(&view))
        return FALSE;

    PciWalkCapabilities(&view, MessagesMax);
    return (BOOLEAN)(Adapter->Common != NULL && Adapter->Notify != NULL && Adapter->Isr != NULL
                     && Adapter->DeviceConfig != NULL);
}
