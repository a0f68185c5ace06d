/*
 * ddvioblk - a Storport miniport for virtio block devices (virtio 1.x over PCI).
 *
 * The way of one request:
 *
 *   Storport -> HwBuildIo (request.c)   no lock: CDB -> virtio header + descriptor table, in the SRB extension
 *            -> HwStartIo (request.c)   StartIo lock: table -> ring, doorbell (queue.c)
 *   device   -> HwMsInterrupt           interrupt lock: nothing but StorPortIssueDpc (complete.c)
 *            -> QueueDpc                StartIo lock: used ring -> list of finished requests (queue.c)
 *                                       no lock: StorPortNotification(RequestComplete)
 *
 * Locking, the whole of it: whoever touches a ring holds the StartIo lock. Storport holds it for HwStartIo and
 * HwResetBus; the DPC and surprise removal acquire it.
 *
 * entry.c     DriverEntry: tells Storport our entry points
 * adapter.c   HwFindAdapter, HwInitialize, HwAdapterControl: the adapter's life
 * pci.c       finds the device's register blocks
 * device.c    resets, negotiates with and starts the device
 * queue.c     the virtqueue
 * request.c   HwBuildIo, HwStartIo and the SRB functions that are not SCSI
 * complete.c  interrupt, DPC, completion
 * blockio.c   SCSI commands that reach the device: READ, WRITE, FLUSH, UNMAP ...
 * scsi.c      SCSI commands the driver answers itself
 * vpd.c       the vital product data pages
 */
#pragma once

#include <ntddk.h>
#include <storport.h>
#include <scsi.h>
#include <srbhelper.h>

#include "virtio_spec.h"

#define MAX_QUEUES       8
#define MAX_QUEUE_SIZE   256          /* a power of two, like every queue size */
#define MAX_SEGMENTS     (MAX_QUEUE_SIZE - 2)   /* no chain is longer than its queue (2.7.5.3.1) */
#define MAX_UNMAP_RANGES 16

#define STATUS_NOT_WRITTEN 0xFF       /* a device that forgets to write a status has failed the request */

/*
 * What we keep for each request while it is ours. It lives in the SRB extension: Storport allocates one per SRB
 * where the device can reach it (and does not clear it). It dies with StorPortNotification(RequestComplete).
 */
typedef enum _REQUEST_KIND {
    RequestPlain,                     /* one trip to the device */
    RequestWriteThenFlush,            /* FUA: virtio-blk has no such flag, so a flush follows the write */
    RequestIdentify,                  /* INQUIRY for a page that shows the serial number */
    RequestReset                      /* reset the device; never in a ring */
} REQUEST_KIND;

typedef struct _REQUEST {
    PSCSI_REQUEST_BLOCK Srb;
    struct _REQUEST    *Next;         /* in the DPC's list of finished requests */
    ULONGLONG           Physical;     /* device's address of this structure */
    REQUEST_KIND        Kind;
    USHORT              DescriptorCount;
    volatile UCHAR      Status;       /* written by the device */
    VIRTIO_BLK_REQ      Header;
    union {
        UCHAR            Id[VIRTIO_BLK_ID_BYTES];
        VIRTIO_BLK_RANGE Ranges[MAX_UNMAP_RANGES];
    } Payload;
    /* Last, as it is as long as the adapter's limit asks: header, data segments, status. */
    DECLSPEC_ALIGN(16) VIRTQ_DESC Table[MAX_SEGMENTS + 2];
} REQUEST, *PREQUEST;

/* Storport's extension is as short as the table may be. */
#define REQUEST_BYTES(Segments) ((ULONG)(FIELD_OFFSET(REQUEST, Table) + ((Segments) + 2) * sizeof(VIRTQ_DESC)))

/*
 * A virtqueue. A request occupies one slot; a slot is one descriptor if the device takes indirect tables, else a run
 * of descriptors long enough for the longest request. A slot's number is the index of its first descriptor.
 */
typedef struct _QUEUE {
    volatile VIRTQ_DESC  *Desc;
    volatile VIRTQ_AVAIL *Avail;
    volatile VIRTQ_USED  *Used;
    volatile USHORT      *UsedEvent;       /* ours: interrupt me when this element is used */
    volatile USHORT      *AvailEvent;      /* the device's: ring me when this one is available */
    PUSHORT               Doorbell;
    USHORT                Size;
    USHORT                AvailIndex;      /* free-running, like the rings' own */
    USHORT                LastUsed;
    USHORT                FreeCount;
    USHORT                SlotCount;
    USHORT                DescriptorsPerSlot;
    USHORT                Index;
    USHORT                Message;         /* MSI-X message that announces its completions */
    ULONGLONG             DescPhysical;
    ULONGLONG             AvailPhysical;
    ULONGLONG             UsedPhysical;
    STOR_DPC              Dpc;
    USHORT                FreeSlots[MAX_QUEUE_SIZE];
    PREQUEST              InFlight[MAX_QUEUE_SIZE];
} QUEUE, *PQUEUE;

/* What the device is and can do, read once (the capacity: again when the device says so). */
typedef struct _DISK {
    ULONGLONG Blocks;                 /* of BlockSize bytes */
    ULONG     BlockSize;
    UCHAR     SectorShift;            /* BlockSize == 512 << SectorShift */
    UCHAR     PhysicalExponent;       /* logical blocks per physical block, log 2 */
    UCHAR     AlignmentOffset;        /* in logical blocks */
    BOOLEAN   ReadOnly;
    BOOLEAN   WriteCache;             /* the device holds writes in a volatile cache until it is flushed */
    ULONG     OptimalBlocks;
    ULONG     MaxUnmapBlocks;
    ULONG     MaxUnmapRanges;         /* 0: the device cannot discard */
    ULONG     UnmapGranularity;
    ULONG     MaxZeroBlocks;          /* 0: the device cannot write zeroes */
    BOOLEAN   ZeroMayUnmap;
} DISK;

typedef struct _ADAPTER {
    /* Registers, as mapped by StorPortGetDeviceBase. */
    VIRTIO_COMMON_CFG *Common;
    VIRTIO_BLK_CONFIG *DeviceConfig;
    PUCHAR             Isr;
    PUCHAR             Notify;
    ULONG              NotifyMultiplier;

    ULONGLONG          Features;      /* as negotiated */
    DISK               Disk;
    ULONG              Segments;      /* data segments of one request */
    ULONG              SizeMax;       /* bytes of one segment */
    ULONG              QueueCount;
    ULONG              MessageCount;  /* MSI-X messages granted; 0: line interrupt */
    BOOLEAN            MsixEnabled;
    BOOLEAN            DpcReady;
    BOOLEAN            SteerByMessage;/* Storport names the queue's message with each request */
    volatile BOOLEAN   Gone;          /* removed or broken: every request fails, none hangs */
    volatile LONG      ConfigChanged; /* set by the interrupt, taken by the next command */
    QUEUE              Queues[MAX_QUEUES];
} ADAPTER, *PADAPTER;

/* adapter.c */
HW_FIND_ADAPTER           HwFindAdapter;
HW_INITIALIZE             HwInitialize;
HW_PASSIVE_INITIALIZE_ROUTINE HwPassiveInitialize;
HW_ADAPTER_CONTROL        HwAdapterControl;
HW_RESET_BUS              HwResetBus;
VOID    AdapterReset(PADAPTER Adapter);
VOID    AdapterSurpriseRemoved(PADAPTER Adapter);

/* pci.c */
BOOLEAN PciFindRegisters(PADAPTER Adapter, PPORT_CONFIGURATION_INFORMATION Config, PULONG MessagesMax);

/* device.c */
BOOLEAN DeviceReset(PADAPTER Adapter);
BOOLEAN DeviceNegotiate(PADAPTER Adapter);
BOOLEAN DeviceStart(PADAPTER Adapter);
VOID    DeviceReadCapacity(PADAPTER Adapter);
VOID    DeviceReadDisk(PADAPTER Adapter);
ULONG   DeviceQueueCount(PADAPTER Adapter);
USHORT  DeviceQueueSize(PADAPTER Adapter, USHORT Index);

/* queue.c */
ULONG    QueueBytes(USHORT Size);
VOID     QueuePlace(PADAPTER Adapter, PQUEUE Queue, USHORT Index, PUCHAR Memory, ULONGLONG Physical);
VOID     QueueEmpty(PQUEUE Queue);
BOOLEAN  QueueSubmit(PADAPTER Adapter, PQUEUE Queue, PREQUEST Request);
PREQUEST QueueDrain(PADAPTER Adapter, PQUEUE Queue);
PREQUEST QueueAbandon(PQUEUE Queue);

/* request.c */
HW_BUILDIO HwBuildIo;
HW_STARTIO HwStartIo;
PREQUEST RequestLocate(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb);

/* Appends a descriptor. All but the last are chained to their successor. */
static inline VOID RequestAdd(PREQUEST Request, ULONGLONG Physical, ULONG Length, USHORT Flags)
{
    VIRTQ_DESC *desc = &Request->Table[Request->DescriptorCount++];

    desc->Addr = Physical;
    desc->Len = Length;
    desc->Flags = Flags;
    desc->Next = Request->DescriptorCount;
}

/* Begins a request: the header, which the device reads. Only the fields that are used are set; nothing is cleared. */
static inline VOID RequestBegin(PREQUEST Request, PSCSI_REQUEST_BLOCK Srb, ULONG Type, ULONGLONG Sector)
{
    Request->Srb = Srb;
    Request->Kind = RequestPlain;
    Request->DescriptorCount = 0;
    Request->Status = STATUS_NOT_WRITTEN;
    Request->Header.Type = Type;
    Request->Header.Reserved = 0;
    Request->Header.Sector = Sector;
    RequestAdd(Request, Request->Physical + FIELD_OFFSET(REQUEST, Header), sizeof(Request->Header), VIRTQ_DESC_F_NEXT);
}

/* Ends a request: the status byte, which the device writes. */
static inline VOID RequestEnd(PREQUEST Request)
{
    RequestAdd(Request, Request->Physical + FIELD_OFFSET(REQUEST, Status), 1, VIRTQ_DESC_F_WRITE);
}

/* complete.c */
HW_INTERRUPT   HwInterrupt;
HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE HwMsInterrupt;
HW_DPC_ROUTINE QueueDpc;
VOID    SrbComplete(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus);
VOID    RequestsComplete(PADAPTER Adapter, PREQUEST List);
VOID    RequestsFail(PADAPTER Adapter, PREQUEST List, UCHAR SrbStatus);

/*
 * blockio.c, scsi.c, vpd.c. A function that turns an SRB into something returns the SRB status: SRB_STATUS_PENDING
 * means "the request is built, give it to the device", anything else completes the SRB at once.
 */
UCHAR   BlockRead(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb);
UCHAR   BlockWrite(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb);
UCHAR   BlockFlush(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb);
UCHAR   BlockVerify(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb);
UCHAR   BlockUnmap(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb);
UCHAR   BlockWriteSame(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb);
UCHAR   BlockIdentify(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb);

UCHAR   ScsiCommand(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb);
UCHAR   ScsiAnswer(PSCSI_REQUEST_BLOCK Srb, const VOID *Data, ULONG Length, ULONG AllocationLength);
UCHAR   ScsiCheckCondition(PSCSI_REQUEST_BLOCK Srb, UCHAR SenseKey, UCHAR Asc, UCHAR Ascq);
UCHAR   ScsiInvalidField(PSCSI_REQUEST_BLOCK Srb);

UCHAR   VpdInquiry(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb);
UCHAR   VpdIdentified(PSCSI_REQUEST_BLOCK Srb, const UCHAR *Id);

/* SCSI integers are big endian. */
static inline USHORT GetBig16(const UCHAR *P) { return (USHORT)(P[0] << 8 | P[1]); }
static inline ULONG GetBig32(const UCHAR *P) { return (ULONG)GetBig16(P) << 16 | GetBig16(P + 2); }
static inline ULONGLONG GetBig64(const UCHAR *P) { return (ULONGLONG)GetBig32(P) << 32 | GetBig32(P + 4); }

static inline VOID PutBig16(PUCHAR P, ULONG Value) { P[0] = (UCHAR)(Value >> 8); P[1] = (UCHAR)Value; }
static inline VOID PutBig32(PUCHAR P, ULONG Value) { PutBig16(P, Value >> 16); PutBig16(P + 2, Value); }
static inline VOID PutBig64(PUCHAR P, ULONGLONG Value)
{
    PutBig32(P, (ULONG)(Value >> 32));
    PutBig32(P + 4, (ULONG)Value);
}
