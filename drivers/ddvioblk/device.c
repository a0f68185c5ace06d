/*
 * device.c - the virtio device's life: reset, negotiate features, read what it is, start it (virtio 1.2, 3.1).
 *
 * Registers are reached through the StorPortRead/WriteRegister routines only, never by dereferencing: the mapped
 * address is a cookie of the platform's, and these routines order accesses as a device needs it.
 */
#include "ddvioblk.h"

#define RESET_POLL_US  10
#define RESET_POLLS    1000           /* 10 ms: a device that has not reset by then never will */
#define RELEVANT_FEATURES                                                                                  \
    (VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE                \
     | VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY | VIRTIO_BLK_F_CONFIG_WCE | VIRTIO_BLK_F_MQ              \
     | VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX      \
     | VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM)

static UCHAR DeviceStatus(PADAPTER Adapter)
{
    return StorPortReadRegisterUchar(Adapter, &Adapter->Common->DeviceStatus);
}

static VOID DeviceAddStatus(PADAPTER Adapter, UCHAR Bits)
{
    UCHAR status = DeviceStatus(Adapter);

    StorPortWriteRegisterUchar(Adapter, &Adapter->Common->DeviceStatus, (UCHAR)(status | Bits));
}

/*
 * After a reset the device touches no memory of ours, so requests may be completed and rings rewritten. FALSE: the
 * device does not answer, or is not there any more.
 */
BOOLEAN DeviceReset(PADAPTER Adapter)
{
    ULONG polls;

    StorPortWriteRegisterUchar(Adapter, &Adapter->Common->DeviceStatus, 0);
    for (polls = 0; polls < RESET_POLLS; ++polls) {
        UCHAR status = DeviceStatus(Adapter);

        if (status == 0)
            return TRUE;
        if (status == VIRTIO_STATUS_GONE)
            return FALSE;
        StorPortStallExecution(RESET_POLL_US);
    }
    return FALSE;
}

static ULONGLONG DeviceOfferedFeatures(PADAPTER Adapter)
{
    ULONGLONG features;

    StorPortWriteRegisterUlong(Adapter, &Adapter->Common->DeviceFeatureSelect, 1);
    features = (ULONGLONG)StorPortReadRegisterUlong(Adapter, &Adapter->Common->DeviceFeature) << 32;
    StorPortWriteRegisterUlong(Adapter, &Adapter->Common->DeviceFeatureSelect, 0);
    return features | StorPortReadRegisterUlong(Adapter, &Adapter->Common->DeviceFeature);
}

static VOID DeviceAcceptFeatures(PADAPTER Adapter, ULONGLONG Features)
{
    StorPortWriteRegisterUlong(Adapter, &Adapter->Common->DriverFeatureSelect, 0);
    StorPortWriteRegisterUlong(Adapter, &Adapter->Common->DriverFeature, (ULONG)Features);
    StorPortWriteRegisterUlong(Adapter, &Adapter->Common->DriverFeatureSelect, 1);
    StorPortWriteRegisterUlong(Adapter, &Adapter->Common->DriverFeature, (ULONG)(Features >> 32));
}

/* Takes a reset device up to FEATURES_OK: its configuration may be read, its queues set up. */
BOOLEAN DeviceNegotiate(PADAPTER Adapter)
{
    ULONGLONG features;

    DeviceAddStatus(Adapter, VIRTIO_STATUS_ACKNOWLEDGE);
    DeviceAddStatus(Adapter, VIRTIO_STATUS_DRIVER);

    features = DeviceOfferedFeatures(Adapter) & RELEVANT_FEATURES;
    DeviceAcceptFeatures(Adapter, features);
    DeviceAddStatus(Adapter, VIRTIO_STATUS_FEATURES_OK);

    /* The device clears FEATURES_OK if it cannot work with this choice (3.1.1, step 6). */
    if (!(features & VIRTIO_F_VERSION_1) || !(DeviceStatus(Adapter) & VIRTIO_STATUS_FEATURES_OK)) {
        DeviceAddStatus(Adapter, VIRTIO_STATUS_FAILED);
        return FALSE;
    }
    Adapter->Features = features;
    return TRUE;
}

/* Sixty-four bits are two reads: ConfigGeneration tells whether they belong together (2.5.3). */
VOID DeviceReadCapacity(PADAPTER Adapter)
{
    ULONGLONG sectors;
    UCHAR generation;
    ULONG tries = 16;

    do {
        generation = StorPortReadRegisterUchar(Adapter, &Adapter->Common->ConfigGeneration);
        sectors = StorPortReadRegisterUlong(Adapter, &Adapter->DeviceConfig->Capacity[0]);
        sectors |= (ULONGLONG)StorPortReadRegisterUlong(Adapter, &Adapter->DeviceConfig->Capacity[1]) << 32;
    } while (generation != StorPortReadRegisterUchar(Adapter, &Adapter->Common->ConfigGeneration) && --tries > 0);

    Adapter->Disk.Blocks = sectors >> Adapter->Disk.SectorShift;
}

static VOID DeviceReadBlockSize(PADAPTER Adapter)
{
    DISK *disk = &Adapter->Disk;
    VIRTIO_BLK_CONFIG *config = Adapter->DeviceConfig;

    disk->BlockSize = 1 << VIRTIO_SECTOR_SHIFT;
    if (Adapter->Features & VIRTIO_BLK_F_BLK_SIZE)
        disk->BlockSize = StorPortReadRegisterUlong(Adapter, &config->BlkSize);
    for (disk->SectorShift = 0; (512u << disk->SectorShift) < disk->BlockSize && disk->SectorShift < 16;)
        ++disk->SectorShift;

    if (Adapter->Features & VIRTIO_BLK_F_TOPOLOGY) {
        disk->PhysicalExponent = StorPortReadRegisterUchar(Adapter, &config->PhysicalBlockExp);
        disk->AlignmentOffset = StorPortReadRegisterUchar(Adapter, &config->AlignmentOffset);
        disk->OptimalBlocks = StorPortReadRegisterUlong(Adapter, &config->OptIoSize);
    }
}

/* Whether writes may sit in a volatile cache (5.2.5, 5.2.6.1): a device without FLUSH is a write-through one. */
static BOOLEAN DeviceHasWriteCache(PADAPTER Adapter)
{
    if (!(Adapter->Features & VIRTIO_BLK_F_FLUSH))
        return FALSE;
    if (Adapter->Features & VIRTIO_BLK_F_CONFIG_WCE)
        return (BOOLEAN)(StorPortReadRegisterUchar(Adapter, &Adapter->DeviceConfig->Writeback) != 0);
    return TRUE;
}

static VOID DeviceReadDiscard(PADAPTER Adapter)
{
    DISK *disk = &Adapter->Disk;
    VIRTIO_BLK_CONFIG *config = Adapter->DeviceConfig;
    ULONG ranges;

    if (Adapter->Features & VIRTIO_BLK_F_DISCARD) {
        ranges = StorPortReadRegisterUlong(Adapter, &config->MaxDiscardSeg);
        disk->MaxUnmapRanges = ranges < MAX_UNMAP_RANGES ? ranges : MAX_UNMAP_RANGES;
        disk->MaxUnmapBlocks = StorPortReadRegisterUlong(Adapter, &config->MaxDiscardSectors) >> disk->SectorShift;
        disk->UnmapGranularity =
            StorPortReadRegisterUlong(Adapter, &config->DiscardSectorAlignment) >> disk->SectorShift;
    }
    if (Adapter->Features & VIRTIO_BLK_F_WRITE_ZEROES) {
        disk->MaxZeroBlocks = StorPortReadRegisterUlong(Adapter, &config->MaxWriteZeroesSectors) >> disk->SectorShift;
        disk->ZeroMayUnmap = (BOOLEAN)(StorPortReadRegisterUchar(Adapter, &config->WriteZeroesMayUnmap) != 0);
    }
}

VOID DeviceReadDisk(PADAPTER Adapter)
{
    RtlZeroMemory(&Adapter->Disk, sizeof(Adapter->Disk));
    DeviceReadBlockSize(Adapter);
    DeviceReadCapacity(Adapter);
    DeviceReadDiscard(Adapter);
    Adapter->Disk.ReadOnly = (BOOLEAN)((Adapter->Features & VIRTIO_BLK_F_RO) != 0);
    Adapter->Disk.WriteCache = DeviceHasWriteCache(Adapter);
}

ULONG DeviceQueueCount(PADAPTER Adapter)
{
    if (!(Adapter->Features & VIRTIO_BLK_F_MQ))
        return 1;
    return StorPortReadRegisterUshort(Adapter, &Adapter->DeviceConfig->NumQueues);
}

/* The size we shall use of a queue; 0 if the device does not have it. */
USHORT DeviceQueueSize(PADAPTER Adapter, USHORT Index)
{
    USHORT size;

    StorPortWriteRegisterUshort(Adapter, &Adapter->Common->QueueSelect, Index);
    size = StorPortReadRegisterUshort(Adapter, &Adapter->Common->QueueSize);
    return size < MAX_QUEUE_SIZE ? size : MAX_QUEUE_SIZE;
}

static VOID DeviceWriteAddress(PADAPTER Adapter, PULONG Register, ULONGLONG Address)
{
    StorPortWriteRegisterUlong(Adapter, &Register[0], (ULONG)Address);
    StorPortWriteRegisterUlong(Adapter, &Register[1], (ULONG)(Address >> 32));
}

/* Gives the vector to the device. It reads back NO_VECTOR if it could not take it (4.1.5.1.2). */
static BOOLEAN DeviceSetVector(PADAPTER Adapter, PUSHORT Register, USHORT Vector)
{
    StorPortWriteRegisterUshort(Adapter, Register, Vector);
    return (BOOLEAN)(StorPortReadRegisterUshort(Adapter, Register) == Vector);
}

static BOOLEAN DeviceStartQueue(PADAPTER Adapter, PQUEUE Queue)
{
    VIRTIO_COMMON_CFG *common = Adapter->Common;
    USHORT vector = Adapter->MessageCount != 0 ? Queue->Message : VIRTIO_MSI_NO_VECTOR;
    ULONG offset;

    QueueEmpty(Queue);
    StorPortWriteRegisterUshort(Adapter, &common->QueueSelect, Queue->Index);
    StorPortWriteRegisterUshort(Adapter, &common->QueueSize, Queue->Size);
    DeviceWriteAddress(Adapter, common->QueueDesc, Queue->DescPhysical);
    DeviceWriteAddress(Adapter, common->QueueDriver, Queue->AvailPhysical);
    DeviceWriteAddress(Adapter, common->QueueDevice, Queue->UsedPhysical);
    if (!DeviceSetVector(Adapter, &common->QueueMsixVector, vector))
        return FALSE;

    offset = StorPortReadRegisterUshort(Adapter, &common->QueueNotifyOff) * Adapter->NotifyMultiplier;
    Queue->Doorbell = (PUSHORT)(Adapter->Notify + offset);
    StorPortWriteRegisterUshort(Adapter, &common->QueueEnable, 1);
    return TRUE;
}

/* From any state to running with empty queues: first start, restart after power-down, recovery after a reset. */
BOOLEAN DeviceStart(PADAPTER Adapter)
{
    USHORT configVector = Adapter->MessageCount > 1 ? 0 : VIRTIO_MSI_NO_VECTOR;
    ULONG i;

    if (!DeviceReset(Adapter) || !DeviceNegotiate(Adapter))
        return FALSE;
    if (!DeviceSetVector(Adapter, &Adapter->Common->ConfigMsixVector, configVector))
        return FALSE;
    for (i = 0; i < Adapter->QueueCount; ++i)
        if (!DeviceStartQueue(Adapter, &Adapter->Queues[i]))
            return FALSE;
    DeviceAddStatus(Adapter, VIRTIO_STATUS_DRIVER_OK);
    return TRUE;
}
