/*
 * queue.c - the split virtqueue (virtio 1.2, 2.7).
 *
 * Two rings in memory the device can reach. We write "available": requests to do; the device writes "used": requests
 * done. Everything here runs under the StartIo lock, so there is one producer and one consumer on our side, and the
 * only ordering to think about is the one towards the device. x86 keeps stores in order; a compiler barrier is enough
 * except between our store of an index and our load of the device's answer to it: that needs KeMemoryBarrier.
 */
#include "ddvioblk.h"

#define ALIGN_UP(Value, Alignment) (((Value) + (Alignment) - 1) & ~((Alignment) - 1))

static ULONG QueueAvailOffset(USHORT Size)
{
    return Size * (ULONG)sizeof(VIRTQ_DESC);
}

static ULONG QueueUsedOffset(USHORT Size)
{
    /* flags, idx, ring[Size], used_event; the used ring must be 4-byte aligned (2.7) */
    return ALIGN_UP(QueueAvailOffset(Size) + (3u + Size) * (ULONG)sizeof(USHORT), 4u);
}

ULONG QueueBytes(USHORT Size)
{
    ULONG used = 3 * sizeof(USHORT) + Size * (ULONG)sizeof(VIRTQ_USED_ELEM);

    return ALIGN_UP(QueueUsedOffset(Size) + used, 64u);
}

/* Divides a queue's memory, and its descriptors into slots. Queue->Size is set. */
VOID QueuePlace(PADAPTER Adapter, PQUEUE Queue, USHORT Index, PUCHAR Memory, ULONGLONG Physical)
{
    USHORT size = Queue->Size;

    Queue->Index = Index;
    Queue->Desc = (volatile VIRTQ_DESC *)Memory;
    Queue->Avail = (volatile VIRTQ_AVAIL *)(Memory + QueueAvailOffset(size));
    Queue->Used = (volatile VIRTQ_USED *)(Memory + QueueUsedOffset(size));
    /* The two event indices lie behind the last element of the rings (2.7.6, 2.7.8). */
    Queue->UsedEvent = &Queue->Avail->Ring[size];
    Queue->AvailEvent = (volatile USHORT *)(volatile VOID *)&Queue->Used->Ring[size];
    Queue->DescPhysical = Physical;
    Queue->AvailPhysical = Physical + QueueAvailOffset(size);
    Queue->UsedPhysical = Physical + QueueUsedOffset(size);

    Queue->DescriptorsPerSlot =
        (Adapter->Features & VIRTIO_F_INDIRECT_DESC) ? 1 : (USHORT)(Adapter->Segments + 2);
    Queue->SlotCount = size / Queue->DescriptorsPerSlot;
}

/* As a reset device expects it: indices 0, all slots free. The device must not be running. */
VOID QueueEmpty(PQUEUE Queue)
{
    USHORT slot;

    RtlZeroMemory((PVOID)Queue->Desc, QueueBytes(Queue->Size));
    RtlZeroMemory(Queue->InFlight, sizeof(Queue->InFlight));
    Queue->AvailIndex = 0;
    Queue->LastUsed = 0;
    Queue->FreeCount = Queue->SlotCount;
    for (slot = 0; slot < Queue->SlotCount; ++slot)
        Queue->FreeSlots[slot] = (USHORT)(slot * Queue->DescriptorsPerSlot);
}

/* One descriptor that points to the table in the SRB extension, or the table copied into the slot's descriptors. */
static VOID QueueDescribe(PADAPTER Adapter, PQUEUE Queue, PREQUEST Request, USHORT Slot)
{
    volatile VIRTQ_DESC *desc = &Queue->Desc[Slot];
    USHORT i;

    if (Adapter->Features & VIRTIO_F_INDIRECT_DESC) {
        desc->Addr = Request->Physical + FIELD_OFFSET(REQUEST, Table);
        desc->Len = Request->DescriptorCount * (ULONG)sizeof(VIRTQ_DESC);
        desc->Flags = VIRTQ_DESC_F_INDIRECT;
        return;
    }
    for (i = 0; i < Request->DescriptorCount; ++i, ++desc) {
        desc->Addr = Request->Table[i].Addr;
        desc->Len = Request->Table[i].Len;
        desc->Flags = Request->Table[i].Flags;
        desc->Next = (USHORT)(Slot + i + 1);
    }
}

#ifdef DDVIOBLK_DIRECT_REGISTERS
/* A plain store to the mapped register. It works on x86, and shows what drydock makes of it: a trap. */
#define RingDoorbell(Adapter, Queue) (*(volatile USHORT *)(Queue)->Doorbell = (Queue)->Index)
#else
#define RingDoorbell(Adapter, Queue) StorPortWriteRegisterUshort((Adapter), (Queue)->Doorbell, (Queue)->Index)
#endif

/* A doorbell is the most expensive thing we do: the device says when it wants to hear it (2.7.10). */
static VOID QueueNotify(PADAPTER Adapter, PQUEUE Queue)
{
    BOOLEAN wanted;

    KeMemoryBarrier();                /* our index must be visible before we read the device's wish */
    if (Adapter->Features & VIRTIO_F_EVENT_IDX)
        wanted = (BOOLEAN)(*Queue->AvailEvent == (USHORT)(Queue->AvailIndex - 1));
    else
        wanted = (BOOLEAN)!(Queue->Used->Flags & VIRTQ_USED_F_NO_NOTIFY);
    if (wanted)
        RingDoorbell(Adapter, Queue);
}

/* FALSE: the queue is full. */
BOOLEAN QueueSubmit(PADAPTER Adapter, PQUEUE Queue, PREQUEST Request)
{
    USHORT slot;

    if (Queue->FreeCount == 0)
        return FALSE;
    slot = Queue->FreeSlots[--Queue->FreeCount];
    Queue->InFlight[slot] = Request;
    QueueDescribe(Adapter, Queue, Request, slot);

    Queue->Avail->Ring[Queue->AvailIndex & (Queue->Size - 1)] = slot;
    ++Queue->AvailIndex;
    KeMemoryBarrierWithoutFence();    /* the entry before the index that publishes it */
    Queue->Avail->Idx = Queue->AvailIndex;
    QueueNotify(Adapter, Queue);
    return TRUE;
}

/* The request of one used element, its slot free again; NULL if the device names a slot that is not in flight. */
static PREQUEST QueueTake(PQUEUE Queue, ULONG Slot)
{
    PREQUEST request;

    if (Slot >= Queue->Size || Queue->InFlight[Slot] == NULL)
        return NULL;
    request = Queue->InFlight[Slot];
    Queue->InFlight[Slot] = NULL;
    Queue->FreeSlots[Queue->FreeCount++] = (USHORT)Slot;
    return request;
}

/* TRUE: the request goes back to the device for its second half, into the slot it has just left. */
static BOOLEAN QueueContinue(PADAPTER Adapter, PQUEUE Queue, PREQUEST Request)
{
    if (Request->Kind != RequestWriteThenFlush || Request->Status != VIRTIO_BLK_S_OK)
        return FALSE;
    Request->Kind = RequestPlain;
    RequestBegin(Request, Request->Srb, VIRTIO_BLK_T_FLUSH, 0);
    RequestEnd(Request);
    return QueueSubmit(Adapter, Queue, Request);
}

/*
 * Takes what the device has finished, as a list in its order. Asking for the next interrupt comes before the last look
 * at the ring: a request that finishes in between is seen by one or the other (2.7.7.1).
 */
PREQUEST QueueDrain(PADAPTER Adapter, PQUEUE Queue)
{
    PREQUEST first = NULL;
    PREQUEST *last = &first;

    while (Queue->LastUsed != Queue->Used->Idx) {
        do {
            PREQUEST request;

            KeMemoryBarrierWithoutFence();    /* the index before the element it publishes */
            request = QueueTake(Queue, Queue->Used->Ring[Queue->LastUsed & (Queue->Size - 1)].Id);
            ++Queue->LastUsed;
            if (request != NULL && !QueueContinue(Adapter, Queue, request)) {
                *last = request;
                last = &request->Next;
            }
        } while (Queue->LastUsed != Queue->Used->Idx);

        *Queue->UsedEvent = Queue->LastUsed;
        KeMemoryBarrier();
    }
    *last = NULL;
    return first;
}

/* Everything in flight, as a list. The device must have been reset, or it would still write to these requests. */
PREQUEST QueueAbandon(PQUEUE Queue)
{
    PREQUEST list = NULL;
    USHORT slot;

    for (slot = 0; slot < Queue->Size; ++slot) {
        PREQUEST request = QueueTake(Queue, slot);

        if (request != NULL) {
            request->Next = list;
            list = request;
        }
    }
    return list;
}
