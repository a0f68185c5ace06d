/*
 * adapter.c - the adapter's life: found, initialised, stopped, restarted, reset, gone.
 *
 * Order: HwFindAdapter (PASSIVE_LEVEL: what are you, what can you do) -> HwInitialize (device IRQL: start) ->
 * HwPassiveInitialize (PASSIVE_LEVEL: DPCs) -> I/O -> HwAdapterControl(ScsiStopAdapter).
 */
#include "ddvioblk.h"

#define SEGMENTS_WITHOUT_INDIRECT 30  /* 32 descriptors a request: eight requests in a queue of 256 */
#define PERF_FLAGS_WANTED (STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES)

static ULONG Min(ULONG A, ULONG B)
{
    return A < B ? A : B;
}

/* Parameters\Device\<Name>, a REG_DWORD; Default if it is not there. */
static ULONG AdapterParameter(PADAPTER Adapter, PCSTR Name, ULONG Default)
{
    ULONG value = Default;
    ULONG length = sizeof(value);
    PUCHAR buffer = StorPortAllocateRegistryBuffer(Adapter, &length);

    if (buffer == NULL)
        return Default;
    length = sizeof(value);
    if (StorPortRegistryRead(Adapter, (PUCHAR)Name, TRUE, REG_DWORD, buffer, &length) && length == sizeof(value))
        RtlCopyMemory(&value, buffer, sizeof(value));
    StorPortFreeRegistryBuffer(Adapter, buffer);
    return value;
}

/* A physical miniport may not call KeQueryActiveProcessorCount: Storport tells. */
static ULONG AdapterProcessorCount(PADAPTER Adapter)
{
    USHORT groups = 0, group;
    ULONG count = 0;

    if (StorPortGetActiveGroupCount(Adapter, &groups) != STOR_STATUS_SUCCESS)
        return 1;
    for (group = 0; group < groups; ++group) {
        KAFFINITY mask = 0;

        if (StorPortGetGroupAffinity(Adapter, group, &mask) != STOR_STATUS_SUCCESS)
            continue;
        for (; mask != 0; mask &= mask - 1)
            ++count;
    }
    return count != 0 ? count : 1;
}

/* The longest request. Storport counts NumberOfPhysicalBreaks in pages, and a buffer may begin inside one. */
static BOOLEAN AdapterSetLimits(PADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    Adapter->Segments = MAX_SEGMENTS;
    Adapter->SizeMax = MAXULONG;
    if (Adapter->Features & VIRTIO_BLK_F_SEG_MAX)
        Adapter->Segments = Min(Adapter->Segments, StorPortReadRegisterUlong(Adapter, &Adapter->DeviceConfig->SegMax));
    if (Adapter->Features & VIRTIO_BLK_F_SIZE_MAX)
        Adapter->SizeMax = StorPortReadRegisterUlong(Adapter, &Adapter->DeviceConfig->SizeMax);
    if (!(Adapter->Features & VIRTIO_F_INDIRECT_DESC))
        Adapter->Segments = Min(Adapter->Segments, SEGMENTS_WITHOUT_INDIRECT);
    Adapter->Segments = Min(Adapter->Segments, (ULONG)DeviceQueueSize(Adapter, 0) - 2);

    /* A page must fit in one segment, and two pages in a request, or block I/O makes no sense. */
    if (Adapter->Segments < 2 || Adapter->Segments > MAX_SEGMENTS || Adapter->SizeMax < PAGE_SIZE)
        return FALSE;

    Config->NumberOfPhysicalBreaks = Adapter->Segments;
    Config->MaximumTransferLength = (Adapter->Segments - 1) * PAGE_SIZE;
    Config->SrbExtensionSize = REQUEST_BYTES(Adapter->Segments);
    return TRUE;
}

static VOID AdapterDescribe(PADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    ULONG depth = Adapter->Queues[0].SlotCount;

    /* One bus, one target, one logical unit. */
    Config->NumberOfBuses = 1;
    Config->MaximumNumberOfTargets = 1;
    Config->MaximumNumberOfLogicalUnits = 1;

    Config->ScatterGather = TRUE;
    Config->Master = TRUE;
    Config->AlignmentMask = FILE_BYTE_ALIGNMENT;     /* virtio asks for no alignment of data */
    Config->MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    Config->SrbType = SRB_TYPE_STORAGE_REQUEST_BLOCK;
    Config->AddressType = STORAGE_ADDRESS_TYPE_BTL8;
    Config->SynchronizationModel = StorSynchronizeFullDuplex;
    Config->CachesData = Adapter->Disk.WriteCache;   /* TRUE: Storport sends SRB_FUNCTION_FLUSH and SHUTDOWN */

    /* Not more than one queue takes, so that HwStartIo need not say "busy". */
    Config->MaxIOsPerLun = depth;
    Config->InitialLunQueueDepth = depth;
    Config->MaxNumberOfIO = depth * Adapter->QueueCount;

    if (Adapter->MsixEnabled) {
        Config->HwMSInterruptRoutine = HwMsInterrupt;
        Config->InterruptSynchronizationMode = InterruptSynchronizePerMessage;
    }
}

/* As many queues as there are processors to use them and messages to announce them (message 0: configuration). */
static ULONG AdapterQueueCount(PADAPTER Adapter, ULONG MessagesMax)
{
    ULONG count = Min(DeviceQueueCount(Adapter), AdapterProcessorCount(Adapter));

    count = Min(count, Min(AdapterParameter(Adapter, "MaxQueues", MAX_QUEUES), MAX_QUEUES));
    count = Min(count, Adapter->MsixEnabled && MessagesMax > 1 ? MessagesMax - 1 : 1);
    return count != 0 ? count : 1;
}

/*
 * All rings live in one uncached extension: memory the device reaches, physically contiguous, for as long as the adapter
 * lives. It can be had in HwFindAdapter only, once, and after the limits above are set.
 */
static BOOLEAN AdapterAllocateQueues(PADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    PUCHAR memory;
    ULONGLONG physical;
    ULONG bytes = 0, length = 0, i;

    for (i = 0; i < Adapter->QueueCount; ++i) {
        Adapter->Queues[i].Size = DeviceQueueSize(Adapter, (USHORT)i);
        if (Adapter->Queues[i].Size < Adapter->Segments + 2)
            return FALSE;
        bytes += QueueBytes(Adapter->Queues[i].Size);
    }
    memory = StorPortGetUncachedExtension(Adapter, Config, bytes);
    if (memory == NULL)
        return FALSE;
    physical = (ULONGLONG)StorPortGetPhysicalAddress(Adapter, NULL, memory, &length).QuadPart;
    if (physical == 0 || length < bytes)
        return FALSE;

    for (i = 0; i < Adapter->QueueCount; ++i) {
        ULONG size = QueueBytes(Adapter->Queues[i].Size);

        QueuePlace(Adapter, &Adapter->Queues[i], (USHORT)i, memory, physical);
        memory += size;
        physical += size;
    }
    return TRUE;
}

ULONG HwFindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                    PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    PADAPTER adapter = DeviceExtension;
    ULONG messagesMax;

    UNREFERENCED_PARAMETER(HwContext);
    UNREFERENCED_PARAMETER(BusInformation);
    UNREFERENCED_PARAMETER(ArgumentString);
    *Again = FALSE;                   /* plug and play: one call, one adapter */

    /* Zeroed by Storport when it allocated it, but not when it calls us again for the same adapter. */
    RtlZeroMemory(adapter, sizeof(*adapter));

    if (!PciFindRegisters(adapter, ConfigInfo, &messagesMax))
        return SP_RETURN_NOT_FOUND;
    if (!DeviceReset(adapter) || !DeviceNegotiate(adapter))
        return SP_RETURN_ERROR;

    /* Without this Storport bounces everything above 4 GiB; FULL64BIT says our structures may lie there too. */
    if (ConfigInfo->Dma64BitAddresses & SCSI_DMA64_SYSTEM_SUPPORTED)
        ConfigInfo->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;

    DeviceReadDisk(adapter);
    if (!AdapterSetLimits(adapter, ConfigInfo))
        return SP_RETURN_BAD_CONFIG;
    adapter->QueueCount = AdapterQueueCount(adapter, messagesMax);
    if (!AdapterAllocateQueues(adapter, ConfigInfo))
        return SP_RETURN_ERROR;
    AdapterDescribe(adapter, ConfigInfo);
    return SP_RETURN_FOUND;
}

/* How many messages the system granted: it need not be as many as the device's table has. */
static ULONG AdapterMessageCount(PADAPTER Adapter)
{
    MESSAGE_INTERRUPT_INFORMATION info;
    ULONG count = 0;

    if (!Adapter->MsixEnabled)
        return 0;
    RtlZeroMemory(&info, sizeof(info));
    while (count <= MAX_QUEUES && StorPortGetMSIInfo(Adapter, count, &info) == STOR_STATUS_SUCCESS)
        ++count;
    return count;
}

/* Message 0 announces configuration changes, message n + 1 queue n. With a single message the queue has it. */
static BOOLEAN AdapterAssignMessages(PADAPTER Adapter)
{
    ULONG i;

    Adapter->MessageCount = AdapterMessageCount(Adapter);
    if (Adapter->MsixEnabled && Adapter->MessageCount == 0)
        return FALSE;                 /* a function with MSI-X enabled does not use its interrupt line */
    Adapter->QueueCount = Adapter->MessageCount > 1 ? Min(Adapter->QueueCount, Adapter->MessageCount - 1) : 1;
    for (i = 0; i < Adapter->QueueCount; ++i)
        Adapter->Queues[i].Message = Adapter->MessageCount > 1 ? (USHORT)(i + 1) : 0;
    return TRUE;
}

/*
 * Asks Storport to complete a request on the processor it came from and to name the message that leads there. First a
 * query, then at most what it offered. A refusal costs speed only.
 */
static VOID AdapterTune(PADAPTER Adapter)
{
    PERF_CONFIGURATION_DATA perf;

    RtlZeroMemory(&perf, sizeof(perf));
    perf.Version = STOR_PERF_VERSION;
    perf.Size = sizeof(perf);
    if (Adapter->MessageCount < 2 || StorPortInitializePerfOpts(Adapter, TRUE, &perf) != STOR_STATUS_SUCCESS)
        return;
    if ((perf.Flags & PERF_FLAGS_WANTED) != PERF_FLAGS_WANTED)
        return;
    perf.Flags = PERF_FLAGS_WANTED;
    perf.FirstRedirectionMessageNumber = 1;
    perf.LastRedirectionMessageNumber = Adapter->QueueCount;
    Adapter->SteerByMessage = (BOOLEAN)(StorPortInitializePerfOpts(Adapter, FALSE, &perf) == STOR_STATUS_SUCCESS);
}

/* Interrupts may come from here on; until HwPassiveInitialize has run they find DpcReady FALSE. */
BOOLEAN HwInitialize(PVOID DeviceExtension)
{
    PADAPTER adapter = DeviceExtension;

    if (!AdapterAssignMessages(adapter))
        return FALSE;
    AdapterTune(adapter);
    if (!StorPortEnablePassiveInitialization(adapter, HwPassiveInitialize))
        return FALSE;
    return DeviceStart(adapter);
}

/* The one place where DPCs may be initialised: PASSIVE_LEVEL, before the first request. */
BOOLEAN HwPassiveInitialize(PVOID DeviceExtension)
{
    PADAPTER adapter = DeviceExtension;
    ULONG i;

    for (i = 0; i < adapter->QueueCount; ++i)
        StorPortInitializeDpc(adapter, &adapter->Queues[i].Dpc, QueueDpc);
    adapter->DpcReady = TRUE;
    return TRUE;
}

static VOID AdapterAbandon(PADAPTER Adapter, UCHAR SrbStatus)
{
    ULONG i;

    for (i = 0; i < Adapter->QueueCount; ++i)
        RequestsFail(Adapter, QueueAbandon(&Adapter->Queues[i]), SrbStatus);
}

/*
 * The StartIo lock is held. virtio-blk knows one reset, of everything. When it is over the device has forgotten our
 * requests and our rings: complete the former, set up the latter.
 */
VOID AdapterReset(PADAPTER Adapter)
{
    BOOLEAN alive = (BOOLEAN)(!Adapter->Gone && DeviceReset(Adapter));

    if (!alive)
        Adapter->Gone = TRUE;
    AdapterAbandon(Adapter, alive ? SRB_STATUS_BUS_RESET : SRB_STATUS_NO_DEVICE);
    if (alive && !DeviceStart(Adapter))
        Adapter->Gone = TRUE;
}

BOOLEAN HwResetBus(PVOID DeviceExtension, ULONG PathId)
{
    PADAPTER adapter = DeviceExtension;

    UNREFERENCED_PARAMETER(PathId);
    AdapterReset(adapter);
    return (BOOLEAN)!adapter->Gone;
}

/* The hardware is out of the machine: touch no register, leave no request waiting. No lock is held. */
VOID AdapterSurpriseRemoved(PADAPTER Adapter)
{
    STOR_LOCK_HANDLE lock;

    RtlZeroMemory(&lock, sizeof(lock));
    StorPortAcquireSpinLock(Adapter, StartIoLock, NULL, &lock);
    Adapter->Gone = TRUE;
    AdapterAbandon(Adapter, SRB_STATUS_NO_DEVICE);
    StorPortReleaseSpinLock(Adapter, &lock);
}

static VOID AdapterListControls(PSCSI_SUPPORTED_CONTROL_TYPE_LIST List)
{
    static const SCSI_ADAPTER_CONTROL_TYPE supported[] = {
        ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter, ScsiAdapterSurpriseRemoval,
    };
    ULONG i;

    /* The list may be shorter than this kit's enumeration: an older Storport knows fewer types. */
    for (i = 0; i < RTL_NUMBER_OF(supported); ++i)
        if ((ULONG)supported[i] < List->MaxControlType)
            List->SupportedTypeList[supported[i]] = TRUE;
}

SCSI_ADAPTER_CONTROL_STATUS HwAdapterControl(PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType,
                                             PVOID Parameters)
{
    PADAPTER adapter = DeviceExtension;

    switch (ControlType) {
    case ScsiQuerySupportedControlTypes:
        AdapterListControls(Parameters);
        return ScsiAdapterControlSuccess;
    case ScsiStopAdapter:             /* nothing is outstanding; afterwards the device must not interrupt or write */
        if (!adapter->Gone)
            DeviceReset(adapter);
        return ScsiAdapterControlSuccess;
    case ScsiRestartAdapter:          /* extensions and mappings survived, the device's state did not */
        return DeviceStart(adapter) ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
    case ScsiAdapterSurpriseRemoval:
        AdapterSurpriseRemoved(adapter);
        return ScsiAdapterControlSuccess;
    default:
        return ScsiAdapterControlUnsuccessful;
    }
}
