/*
 * A disk on the legacy interface of a virtio block device (virtio 0.9.5; virtio 1.2, 4.1.4.8 and the legacy sections): the
 * registers of I/O BAR 0, queues at page numbers, the configuration that moves when MSI-X is enabled.
 *
 * No mistake. Runs on virtio-blk,mode=legacy and mode=transitional, with MSI-X or with the interrupt line, with as many
 * queues as the device has. The interrupt routines complete requests where they find them; whoever else touches a ring holds
 * the interrupt lock. Built with DIRECT_PORTS it uses `in` and `out` instead
 * of the StorPort routines; built with LINE_ONLY it leaves MSI-X unused, so that the port driver disables it.
 *
 * What does not reach the device (INQUIRY, capacity ...) nullhba answers, so the disk has nullhba's 2 MiB.
 */
#include "common/nullhba.h"

#define PCI_BYTES      256
#define PAGE_BYTES     4096u

/* 4.1.4.8 */
#define DEVICE_FEATURES 0x00
#define DRIVER_FEATURES 0x04
#define QUEUE_ADDRESS   0x08
#define QUEUE_SIZE      0x0C
#define QUEUE_SELECT    0x0E
#define QUEUE_NOTIFY    0x10
#define DEVICE_STATUS   0x12
#define ISR_STATUS      0x13
#define CONFIG_VECTOR   0x14
#define QUEUE_VECTOR    0x16
#define CONFIG          0x14
#define CONFIG_MSIX     0x18

/* 5.2.4, 5.2.3 */
#define CONFIG_CAPACITY   0
#define CONFIG_SEG_MAX    12
#define CONFIG_NUM_QUEUES 34
#define F_SEG_MAX         (1u << 2)
#define F_FLUSH           (1u << 9)
#define F_MQ              (1u << 12)

#define ACKNOWLEDGE 1
#define DRIVER      2
#define DRIVER_OK   4

#define TYPE_IN    0
#define TYPE_OUT   1
#define TYPE_FLUSH 4

#define F_NEXT  1
#define F_WRITE 2

#define MAX_QUEUES     8
#define MAX_QUEUE_SIZE 1024
#define MAX_SEGMENTS   (NULL_MAX_TRANSFER / PAGE_SIZE + 1)
#define NOT_WRITTEN    0xFF

typedef struct _DESCRIPTOR {
    ULONGLONG Address;
    ULONG     Length;
    USHORT    Flags;
    USHORT    Next;
} DESCRIPTOR;

/* The SRB extension. */
typedef struct _LEGACY_REQUEST {
    struct {
        ULONG     Type;
        ULONG     Reserved;
        ULONGLONG Sector;
    } Header;
    volatile UCHAR Status;
    BOOLEAN    ForDevice;
    ULONG      Count;
    DESCRIPTOR Table[MAX_SEGMENTS + 2];
} LEGACY_REQUEST, *PLEGACY_REQUEST;

typedef struct _LEGACY_QUEUE {
    PUCHAR    Memory;
    ULONGLONG Physical;
    USHORT    Size;
    USHORT    AvailIndex;
    USHORT    LastUsed;
    USHORT    FreeHead;
    USHORT    FreeCount;
    PSCSI_REQUEST_BLOCK InFlight[MAX_QUEUE_SIZE];
} LEGACY_QUEUE, *PLEGACY_QUEUE;

typedef struct _LEGACY_ADAPTER {
    NULL_ADAPTER Null;
    ULONG_PTR    Ports;
    ULONG        Features;
    ULONG        Config;              /* where device configuration begins */
    ULONG        QueueCount;
    ULONG        Next;                /* queue of the next request */
    ULONG        Messages;            /* 0: the line */
    BOOLEAN      MsixEnabled;
    LEGACY_QUEUE Queues[MAX_QUEUES];
} LEGACY_ADAPTER, *PLEGACY_ADAPTER;

static UCHAR Pci[PCI_BYTES];

/* --- registers --- */

#ifdef DIRECT_PORTS
#define PORT_ACCESS(Type, Suffix, Name)                                                      \
    static Type In##Name(PLEGACY_ADAPTER A, ULONG At)                                        \
    {                                                                                        \
        Type value;                                                                          \
                                                                                             \
        __asm__ volatile("in" Suffix " %w1, %0" : "=a"(value) : "Nd"((USHORT)(A->Ports + At)) : "memory"); \
        return value;                                                                        \
    }                                                                                        \
    static VOID Out##Name(PLEGACY_ADAPTER A, ULONG At, Type Value)                           \
    {                                                                                        \
        __asm__ volatile("out" Suffix " %0, %w1" : : "a"(Value), "Nd"((USHORT)(A->Ports + At)) : "memory"); \
    }
PORT_ACCESS(UCHAR, "b", 8)
PORT_ACCESS(USHORT, "w", 16)
PORT_ACCESS(ULONG, "l", 32)
#else
static UCHAR In8(PLEGACY_ADAPTER A, ULONG At) { return StorPortReadPortUchar(A, (PUCHAR)(A->Ports + At)); }
static USHORT In16(PLEGACY_ADAPTER A, ULONG At) { return StorPortReadPortUshort(A, (PUSHORT)(A->Ports + At)); }
static ULONG In32(PLEGACY_ADAPTER A, ULONG At) { return StorPortReadPortUlong(A, (PULONG)(A->Ports + At)); }
static VOID Out8(PLEGACY_ADAPTER A, ULONG At, UCHAR Value) { StorPortWritePortUchar(A, (PUCHAR)(A->Ports + At), Value); }
static VOID Out16(PLEGACY_ADAPTER A, ULONG At, USHORT Value) { StorPortWritePortUshort(A, (PUSHORT)(A->Ports + At), Value); }
static VOID Out32(PLEGACY_ADAPTER A, ULONG At, ULONG Value) { StorPortWritePortUlong(A, (PULONG)(A->Ports + At), Value); }
#endif

static VOID ReadMsix(PLEGACY_ADAPTER Adapter)
{
    ULONG at = Pci[0x34] & ~3u;
    ULONG left = 48;

    Adapter->MsixEnabled = FALSE;
    while (at >= 0x40 && left-- > 0) {
        if (Pci[at] == 0x11)
            Adapter->MsixEnabled = (BOOLEAN)((Pci[at + 3] & 0x80) != 0);
        at = Pci[at + 1] & ~3u;
    }
}

/* BAR 0, as an access range in I/O space. */
static BOOLEAN MapPorts(PLEGACY_ADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    ULONG bar, i;

    StorPortGetBusData(Adapter, PCIConfiguration, Config->SystemIoBusNumber, Config->SlotNumber, Pci, PCI_BYTES);
    bar = Pci[0x10] | (ULONG)Pci[0x11] << 8 | (ULONG)Pci[0x12] << 16 | (ULONG)Pci[0x13] << 24;
    if (Pci[0] != 0xF4 || Pci[1] != 0x1A || Pci[2] != 0x01 || Pci[3] != 0x10 || Pci[8] != 0 || !(bar & 1))
        return FALSE;
    ReadMsix(Adapter);
    for (i = 0; i < Config->NumberOfAccessRanges; ++i) {
        PACCESS_RANGE range = &(*Config->AccessRanges)[i];

        if (range->RangeInMemory || range->RangeStart.QuadPart != (LONGLONG)(bar & ~3u))
            continue;
        Adapter->Ports = (ULONG_PTR)StorPortGetDeviceBase(Adapter, Config->AdapterInterfaceType, Config->SystemIoBusNumber,
                                                          range->RangeStart, range->RangeLength, TRUE);
        return (BOOLEAN)(Adapter->Ports != 0);
    }
    return FALSE;
}

static ULONG Capacity(PLEGACY_ADAPTER Adapter)
{
    return In32(Adapter, Adapter->Config + CONFIG_CAPACITY);
}

/* --- queues (2.7.2: descriptors, available ring, and from the next page on the used ring) --- */

static ULONG UsedAt(ULONG Size)
{
    return (16 * Size + 6 + 2 * Size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static ULONG QueueBytes(ULONG Size)
{
    return UsedAt(Size) + ((6 + 8 * Size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1));
}

static DESCRIPTOR *Descriptors(PLEGACY_QUEUE Q) { return (DESCRIPTOR *)Q->Memory; }
static volatile USHORT *Available(PLEGACY_QUEUE Q) { return (volatile USHORT *)(Q->Memory + 16 * (ULONG)Q->Size); }
static volatile USHORT *UsedIndex(PLEGACY_QUEUE Q) { return (volatile USHORT *)(Q->Memory + UsedAt(Q->Size) + 2); }
static volatile ULONG *UsedElement(PLEGACY_QUEUE Q, USHORT I)
{
    return (volatile ULONG *)(Q->Memory + UsedAt(Q->Size) + 4 + 8 * (ULONG)(I % Q->Size));
}

static VOID QueueEmpty(PLEGACY_QUEUE Queue)
{
    USHORT i;

    RtlZeroMemory(Queue->Memory, QueueBytes(Queue->Size));
    for (i = 0; i < Queue->Size; ++i)
        Descriptors(Queue)[i].Next = (USHORT)(i + 1);
    Queue->FreeHead = 0;
    Queue->FreeCount = Queue->Size;
    Queue->AvailIndex = Queue->LastUsed = 0;
}

static BOOLEAN FindQueues(PLEGACY_ADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION ConfigInfo)
{
    ULONG count = Adapter->Features & F_MQ ? In16(Adapter, Adapter->Config + CONFIG_NUM_QUEUES) : 1;
    ULONG bytes = 0, length = 0, i;
    ULONGLONG physical;
    PUCHAR memory;

    if (count == 0 || count > MAX_QUEUES)
        return FALSE;
    Adapter->QueueCount = count;
    for (i = 0; i < count; ++i) {
        Out16(Adapter, QUEUE_SELECT, (USHORT)i);
        Adapter->Queues[i].Size = In16(Adapter, QUEUE_SIZE);
        if (Adapter->Queues[i].Size < MAX_SEGMENTS + 2 || Adapter->Queues[i].Size > MAX_QUEUE_SIZE)
            return FALSE;
        bytes += QueueBytes(Adapter->Queues[i].Size);
    }
    Out16(Adapter, QUEUE_SELECT, (USHORT)count);
    if (In16(Adapter, QUEUE_SIZE) != 0)
        return FALSE;                 /* size 0 means: no such queue */
    memory = StorPortGetUncachedExtension(Adapter, ConfigInfo, bytes);
    if (memory == NULL)
        return FALSE;
    physical = (ULONGLONG)StorPortGetPhysicalAddress(Adapter, NULL, memory, &length).QuadPart;
    if (length < bytes || physical % PAGE_BYTES != 0)
        return FALSE;
    for (i = 0; i < count; ++i) {
        Adapter->Queues[i].Memory = memory;
        Adapter->Queues[i].Physical = physical;
        memory += QueueBytes(Adapter->Queues[i].Size);
        physical += QueueBytes(Adapter->Queues[i].Size);
    }
    return TRUE;
}

/* --- life --- */

static BOOLEAN Start(PLEGACY_ADAPTER Adapter)
{
    ULONG i;

    Out8(Adapter, DEVICE_STATUS, 0);
    if (In8(Adapter, DEVICE_STATUS) != 0)
        return FALSE;
    Out8(Adapter, DEVICE_STATUS, ACKNOWLEDGE);
    Out8(Adapter, DEVICE_STATUS, ACKNOWLEDGE | DRIVER);
    Adapter->Features = In32(Adapter, DEVICE_FEATURES) & (F_SEG_MAX | F_FLUSH | F_MQ);
    Out32(Adapter, DRIVER_FEATURES, Adapter->Features);
    for (i = 0; i < Adapter->QueueCount; ++i) {
        QueueEmpty(&Adapter->Queues[i]);
        Out16(Adapter, QUEUE_SELECT, (USHORT)i);
        Out32(Adapter, QUEUE_ADDRESS, (ULONG)(Adapter->Queues[i].Physical / PAGE_BYTES));
        if (Adapter->Messages == 0)
            continue;
        Out16(Adapter, QUEUE_VECTOR, (USHORT)(i + 1 < Adapter->Messages ? i + 1 : Adapter->Messages - 1));
        if (In16(Adapter, QUEUE_VECTOR) == 0xFFFF)
            return FALSE;
    }
    if (Adapter->Messages != 0)
        Out16(Adapter, CONFIG_VECTOR, 0);
    Out8(Adapter, DEVICE_STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    return TRUE;
}

#ifndef LINE_ONLY
static HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE MessageInterrupt;
#endif

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    PLEGACY_ADAPTER adapter = DeviceExtension;
    ULONG result;

    if (!MapPorts(adapter, ConfigInfo))
        return SP_RETURN_NOT_FOUND;
    result = NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
    ConfigInfo->MaxIOsPerLun = ConfigInfo->InitialLunQueueDepth = 16;
    ConfigInfo->MaxNumberOfIO = 16;
#ifndef LINE_ONLY
    if (adapter->MsixEnabled) {
        ConfigInfo->HwMSInterruptRoutine = MessageInterrupt;
        ConfigInfo->InterruptSynchronizationMode = InterruptSynchronizeAll;
    }
#endif
    Out8(adapter, DEVICE_STATUS, 0);
    adapter->Config = adapter->MsixEnabled ? CONFIG_MSIX : CONFIG;
    adapter->Features = In32(adapter, DEVICE_FEATURES);
    if (Capacity(adapter) < NULL_BLOCKS)
        return SP_RETURN_BAD_CONFIG;
    if (adapter->Features & F_SEG_MAX && In32(adapter, adapter->Config + CONFIG_SEG_MAX) < MAX_SEGMENTS)
        return SP_RETURN_BAD_CONFIG;
    return FindQueues(adapter, ConfigInfo) ? result : SP_RETURN_ERROR;
}

/* Whether there are messages is known now; without them MSI-X is disabled, and device configuration has moved. */
static BOOLEAN Initialize(PVOID DeviceExtension)
{
    PLEGACY_ADAPTER adapter = DeviceExtension;
    MESSAGE_INTERRUPT_INFORMATION info;

    RtlZeroMemory(&info, sizeof(info));
    while (adapter->Messages <= MAX_QUEUES && StorPortGetMSIInfo(adapter, adapter->Messages, &info) == STOR_STATUS_SUCCESS)
        ++adapter->Messages;
    adapter->Config = adapter->Messages != 0 ? CONFIG_MSIX : CONFIG;
    if (Capacity(adapter) < NULL_BLOCKS)
        return FALSE;
    return Start(adapter);
}

/* --- requests --- */

static VOID Add(PLEGACY_REQUEST Request, ULONGLONG Address, ULONG Length, USHORT Flags)
{
    DESCRIPTOR *d = &Request->Table[Request->Count++];

    d->Address = Address;
    d->Length = Length;
    d->Flags = Flags;
}

static ULONGLONG CdbSector(const UCHAR *Cdb)
{
    ULONG bytes = Cdb[0] >> 5 == 4 ? 8 : 4, i;
    ULONGLONG lba = 0;

    if (Cdb[0] >> 5 == 0)
        return (ULONGLONG)(Cdb[1] & 0x1F) << 16 | (ULONGLONG)Cdb[2] << 8 | Cdb[3];
    for (i = 0; i < bytes; ++i)
        lba = lba << 8 | Cdb[2 + i];
    return lba;
}

static BOOLEAN IsFlush(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR op;

    if (SrbGetSrbFunction(Srb) != SRB_FUNCTION_EXECUTE_SCSI)
        return (BOOLEAN)(SrbGetSrbFunction(Srb) == SRB_FUNCTION_FLUSH);
    op = ((PCDB)SrbGetCdb(Srb))->AsByte[0];
    return (BOOLEAN)(op == SCSIOP_SYNCHRONIZE_CACHE || op == SCSIOP_SYNCHRONIZE_CACHE16);
}

/* What the device is to do, as a list of descriptors (5.2.6.4: header and status have one each). */
static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PLEGACY_ADAPTER adapter = DeviceExtension;
    PLEGACY_REQUEST request = SrbGetMiniportContext(Srb);
    BOOLEAN read = NullIsRead(Srb), write = NullIsWrite(Srb), flush = (BOOLEAN)(IsFlush(Srb) && adapter->Features & F_FLUSH);
    PSTOR_SCATTER_GATHER_LIST list;
    ULONGLONG own;
    ULONG length, i;

    request->ForDevice = (BOOLEAN)((read || write || flush) && (SrbGetPathId(Srb) | SrbGetTargetId(Srb) | SrbGetLun(Srb)) == 0);
    if (!request->ForDevice)
        return TRUE;
    own = (ULONGLONG)StorPortGetPhysicalAddress(adapter, NULL, request, &length).QuadPart;
    request->Header.Type = flush ? TYPE_FLUSH : write ? TYPE_OUT : TYPE_IN;
    request->Header.Reserved = 0;
    request->Header.Sector = flush ? 0 : CdbSector(((PCDB)SrbGetCdb(Srb))->AsByte);
    request->Status = NOT_WRITTEN;
    request->Count = 0;
    Add(request, own + FIELD_OFFSET(LEGACY_REQUEST, Header), sizeof(request->Header), F_NEXT);
    list = flush ? NULL : StorPortGetScatterGatherList(adapter, Srb);
    for (i = 0; list != NULL && i < list->NumberOfElements; ++i)
        Add(request, (ULONGLONG)list->List[i].PhysicalAddress.QuadPart, list->List[i].Length, read ? F_NEXT | F_WRITE : F_NEXT);
    Add(request, own + FIELD_OFFSET(LEGACY_REQUEST, Status), 1, F_WRITE);
    return TRUE;
}

static BOOLEAN Submit(PLEGACY_ADAPTER Adapter, ULONG Index, PSCSI_REQUEST_BLOCK Srb, PLEGACY_REQUEST Request)
{
    PLEGACY_QUEUE queue = &Adapter->Queues[Index];
    USHORT head = queue->FreeHead, at = head;
    ULONG i;

    if (queue->FreeCount < Request->Count)
        return FALSE;
    for (i = 0; i < Request->Count; ++i) {
        DESCRIPTOR *d = &Descriptors(queue)[at];

        d->Address = Request->Table[i].Address;
        d->Length = Request->Table[i].Length;
        d->Flags = Request->Table[i].Flags;
        at = d->Next;                 /* the free list and the chain are the same links */
    }
    queue->FreeHead = at;
    queue->FreeCount = (USHORT)(queue->FreeCount - Request->Count);
    queue->InFlight[head] = Srb;
    Available(queue)[2 + queue->AvailIndex % queue->Size] = head;
    ++queue->AvailIndex;
    KeMemoryBarrier();
    Available(queue)[1] = queue->AvailIndex;
    KeMemoryBarrier();
    Out16(Adapter, QUEUE_NOTIFY, (USHORT)Index);
    return TRUE;
}

static VOID FailAll(PLEGACY_ADAPTER Adapter, UCHAR SrbStatus)
{
    ULONG i, slot;

    for (i = 0; i < Adapter->QueueCount; ++i)
        for (slot = 0; slot < Adapter->Queues[i].Size; ++slot) {
            PSCSI_REQUEST_BLOCK srb = Adapter->Queues[i].InFlight[slot];

            Adapter->Queues[i].InFlight[slot] = NULL;
            if (srb != NULL)
                NullComplete(Adapter, srb, SrbStatus);
        }
}

/* The interrupt lock, while interrupts may come. */
static VOID Lock(PLEGACY_ADAPTER Adapter, PSTOR_LOCK_HANDLE Handle)
{
    RtlZeroMemory(Handle, sizeof(*Handle));
    StorPortAcquireSpinLock(Adapter, InterruptLock, NULL, Handle);
}

static BOOLEAN Reset(PLEGACY_ADAPTER Adapter)
{
    STOR_LOCK_HANDLE lock;
    BOOLEAN alive;

    Lock(Adapter, &lock);
    Out8(Adapter, DEVICE_STATUS, 0);
    alive = (BOOLEAN)(In8(Adapter, DEVICE_STATUS) == 0);
    FailAll(Adapter, alive ? SRB_STATUS_BUS_RESET : SRB_STATUS_NO_DEVICE);
    alive = (BOOLEAN)(alive && Start(Adapter));
    StorPortReleaseSpinLock(Adapter, &lock);
    return alive;
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PLEGACY_ADAPTER adapter = DeviceExtension;
    PLEGACY_REQUEST request = SrbGetMiniportContext(Srb);
    STOR_LOCK_HANDLE lock;
    BOOLEAN room;

    switch (SrbGetSrbFunction(Srb)) {
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
    case SRB_FUNCTION_RESET_DEVICE:
    case SRB_FUNCTION_RESET_BUS:
        NullComplete(adapter, Srb, Reset(adapter) ? SRB_STATUS_SUCCESS : SRB_STATUS_NO_DEVICE);
        return TRUE;
    default:
        break;
    }
    if (!request->ForDevice)
        return NullStartIo(DeviceExtension, Srb);
    Lock(adapter, &lock);
    room = Submit(adapter, adapter->Next++ % adapter->QueueCount, Srb, request);
    StorPortReleaseSpinLock(adapter, &lock);
    if (!room)
        NullComplete(adapter, Srb, SRB_STATUS_BUSY);
    return TRUE;
}

/* The chain goes back to the front of the free list as it is. */
static VOID Retire(PLEGACY_ADAPTER Adapter, PLEGACY_QUEUE Queue, ULONG Head)
{
    PSCSI_REQUEST_BLOCK srb = Head < Queue->Size ? Queue->InFlight[Head] : NULL;
    PLEGACY_REQUEST request;
    USHORT last = (USHORT)Head;
    ULONG i;

    if (srb == NULL)
        return;                       /* the device names what it was not given */
    request = SrbGetMiniportContext(srb);
    for (i = 1; i < request->Count; ++i)
        last = Descriptors(Queue)[last].Next;
    Descriptors(Queue)[last].Next = Queue->FreeHead;
    Queue->FreeHead = (USHORT)Head;
    Queue->FreeCount = (USHORT)(Queue->FreeCount + request->Count);
    Queue->InFlight[Head] = NULL;
    SrbSetScsiStatus(srb, SCSISTAT_GOOD);
    NullComplete(Adapter, srb, request->Status == 0 ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR);
}

static VOID Drain(PLEGACY_ADAPTER Adapter, PLEGACY_QUEUE Queue)
{
    while (Queue->LastUsed != *UsedIndex(Queue)) {
        KeMemoryBarrier();
        Retire(Adapter, Queue, *UsedElement(Queue, Queue->LastUsed));
        ++Queue->LastUsed;
    }
}

static VOID DrainAll(PLEGACY_ADAPTER Adapter)
{
    ULONG i;

    for (i = 0; i < Adapter->QueueCount; ++i)
        Drain(Adapter, &Adapter->Queues[i]);
}

static BOOLEAN Interrupt(PVOID DeviceExtension)
{
    PLEGACY_ADAPTER adapter = DeviceExtension;
    UCHAR isr = In8(adapter, ISR_STATUS);

    if (isr == 0 || isr == 0xFF)
        return FALSE;
    DrainAll(adapter);
    return TRUE;
}

#ifndef LINE_ONLY
static BOOLEAN MessageInterrupt(PVOID DeviceExtension, ULONG MessageId)
{
    PLEGACY_ADAPTER adapter = DeviceExtension;

    if (MessageId != 0 && adapter->Messages > adapter->QueueCount)
        Drain(adapter, &adapter->Queues[MessageId - 1]);
    else
        DrainAll(adapter);
    return TRUE;
}
#endif

static BOOLEAN ResetBus(PVOID DeviceExtension, ULONG PathId)
{
    UNREFERENCED_PARAMETER(PathId);
    return Reset(DeviceExtension);
}

static SCSI_ADAPTER_CONTROL_STATUS AdapterControl(PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters)
{
    PLEGACY_ADAPTER adapter = DeviceExtension;

    if (ControlType == ScsiStopAdapter)
        Out8(adapter, DEVICE_STATUS, 0);
    if (ControlType == ScsiRestartAdapter && !Start(adapter))
        return ScsiAdapterControlUnsuccessful;
    return NullAdapterControl(DeviceExtension, ControlType, Parameters);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.HwInitialize = Initialize;
    init.HwBuildIo = BuildIo;
    init.HwStartIo = StartIo;
    init.HwInterrupt = Interrupt;
    init.HwResetBus = ResetBus;
    init.HwAdapterControl = AdapterControl;
    init.DeviceExtensionSize = sizeof(LEGACY_ADAPTER);
    init.SrbExtensionSize = sizeof(LEGACY_REQUEST);
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
