/*
 * complete.c - a request's way out.
 *
 * The interrupt routine runs above everything else, so it only asks for a DPC. The DPC takes the finished requests off
 * the ring under the StartIo lock and completes them without it.
 */
#include "ddvioblk.h"

/* The end of an SRB. Afterwards it, its extension and its scatter/gather list belong to Storport: touch none of them. */
VOID SrbComplete(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
    SrbSetSrbStatus(Srb, SrbStatus);
    StorPortNotification(RequestComplete, Adapter, Srb);
}

static UCHAR RequestFailure(PREQUEST Request)
{
    if (SrbGetSrbFunction(Request->Srb) != SRB_FUNCTION_EXECUTE_SCSI)
        return SRB_STATUS_ERROR;      /* a FLUSH or SHUTDOWN carries no sense data */
    if (Request->Status == VIRTIO_BLK_S_UNSUPP)
        return ScsiCheckCondition(Request->Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
    if (Request->Header.Type == VIRTIO_BLK_T_IN)
        return ScsiCheckCondition(Request->Srb, SCSI_SENSE_MEDIUM_ERROR, SCSI_ADSENSE_UNRECOVERED_ERROR, 0);
    return ScsiCheckCondition(Request->Srb, SCSI_SENSE_MEDIUM_ERROR, SCSI_ADSENSE_WRITE_ERROR, 0);
}

static UCHAR RequestResult(PREQUEST Request)
{
    if (Request->Status != VIRTIO_BLK_S_OK)
        return RequestFailure(Request);
    if (Request->Kind == RequestIdentify)
        return VpdIdentified(Request->Srb, Request->Payload.Id);
    return SRB_STATUS_SUCCESS;
}

/* The list is threaded through the extensions, so the next pointer is read before an extension dies. */
VOID RequestsComplete(PADAPTER Adapter, PREQUEST List)
{
    while (List != NULL) {
        PREQUEST request = List;

        List = request->Next;
        SrbComplete(Adapter, request->Srb, RequestResult(request));
    }
}

VOID RequestsFail(PADAPTER Adapter, PREQUEST List, UCHAR SrbStatus)
{
    while (List != NULL) {
        PREQUEST request = List;

        List = request->Next;
        SrbComplete(Adapter, request->Srb, SrbStatus);
    }
}

VOID QueueDpc(PSTOR_DPC Dpc, PVOID DeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PADAPTER adapter = DeviceExtension;
    STOR_LOCK_HANDLE lock = { 0 };
    PREQUEST finished = NULL;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(SystemArgument2);

    StorPortAcquireSpinLock(adapter, StartIoLock, NULL, &lock);
    if (!adapter->Gone)
        finished = QueueDrain(adapter, SystemArgument1);
    StorPortReleaseSpinLock(adapter, &lock);

    RequestsComplete(adapter, finished);
}

/* A DPC that is queued already needs no second place in the queue: it will see these completions too. */
static VOID QueueIssueDpc(PADAPTER Adapter, PQUEUE Queue)
{
    if (Adapter->DpcReady)
        StorPortIssueDpc(Adapter, &Queue->Dpc, Queue, NULL);
}

/* One message, one meaning (AdapterAssignMessages): no register has to be read. */
BOOLEAN HwMsInterrupt(PVOID DeviceExtension, ULONG MessageId)
{
    PADAPTER adapter = DeviceExtension;

    if (adapter->MessageCount == 1)
        QueueIssueDpc(adapter, &adapter->Queues[0]);
    else if (MessageId == 0)
        InterlockedExchange(&adapter->ConfigChanged, TRUE);
    else if (MessageId <= adapter->QueueCount)
        QueueIssueDpc(adapter, &adapter->Queues[MessageId - 1]);
    return TRUE;
}

/* A line may be shared: the device says whether it pulls it, and the question makes it let go. */
BOOLEAN HwInterrupt(PVOID DeviceExtension)
{
    PADAPTER adapter = DeviceExtension;
    UCHAR isr;
    ULONG i;

    if (adapter->Gone)
        return FALSE;
    isr = StorPortReadRegisterUchar(adapter, adapter->Isr);
    if (isr == 0 || isr == VIRTIO_STATUS_GONE)
        return FALSE;
    if (isr & VIRTIO_ISR_CONFIG)
        InterlockedExchange(&adapter->ConfigChanged, TRUE);
    if (isr & VIRTIO_ISR_QUEUE)
        for (i = 0; i < adapter->QueueCount; ++i)
            QueueIssueDpc(adapter, &adapter->Queues[i]);
    return TRUE;
}
