/*
 * request.c - a request's way in.
 *
 * HwBuildIo does whatever needs no lock; it may run on several processors at once and touches only the SRB and its
 * extension. HwStartIo, under the StartIo lock, only moves the finished request into a ring.
 */
#include "ddvioblk.h"

/*
 * The request structure of an SRB, with its device address; NULL if the extension is not one piece for the device. The
 * SRB argument of StorPortGetPhysicalAddress is for addresses in the data buffer: here it is NULL.
 */
PREQUEST RequestLocate(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PREQUEST request = SrbGetMiniportContext(Srb);
    ULONG length = 0;

    request->Physical = (ULONGLONG)StorPortGetPhysicalAddress(Adapter, NULL, request, &length).QuadPart;
    return length >= REQUEST_BYTES(Adapter->Segments) ? request : NULL;
}

static UCHAR BuildReset(PSCSI_REQUEST_BLOCK Srb)
{
    PREQUEST request = SrbGetMiniportContext(Srb);

    request->Srb = Srb;
    request->Kind = RequestReset;
    return SRB_STATUS_PENDING;
}

/* Plug and play tells us what it did; the only news that asks for action is that the adapter was pulled out. */
static UCHAR BuildPnp(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    STOR_PNP_ACTION action;
    ULONG flags;

    if (Srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK) {
        PSRBEX_DATA_PNP pnp = (PSRBEX_DATA_PNP)SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypePnP);

        if (pnp == NULL)
            return SRB_STATUS_INVALID_REQUEST;
        action = pnp->PnPAction;
        flags = pnp->SrbPnPFlags;
    } else {
        action = ((PSCSI_PNP_REQUEST_BLOCK)Srb)->PnPAction;
        flags = ((PSCSI_PNP_REQUEST_BLOCK)Srb)->SrbPnPFlags;
    }

    switch (action) {
    case StorSurpriseRemoval:
        if (flags & SRB_PNP_FLAGS_ADAPTER_REQUEST)
            AdapterSurpriseRemoved(Adapter);
        return SRB_STATUS_SUCCESS;
    case StorStartDevice:
    case StorRemoveDevice:
    case StorStopDevice:
        return SRB_STATUS_SUCCESS;
    default:                          /* queries: we have nothing to add to the bus driver's answer */
        return SRB_STATUS_INVALID_REQUEST;
    }
}

static UCHAR BuildRequest(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    ULONG function = SrbGetSrbFunction(Srb);

    if (function == SRB_FUNCTION_EXECUTE_SCSI)
        return Adapter->Gone ? SRB_STATUS_NO_DEVICE : ScsiCommand(Adapter, Srb);

    switch (function) {
    case SRB_FUNCTION_FLUSH:
    case SRB_FUNCTION_SHUTDOWN:
        return Adapter->Gone ? SRB_STATUS_NO_DEVICE : BlockFlush(Adapter, Srb);
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
    case SRB_FUNCTION_RESET_DEVICE:
    case SRB_FUNCTION_RESET_BUS:
        return BuildReset(Srb);
    case SRB_FUNCTION_PNP:
        return BuildPnp(Adapter, Srb);
    case SRB_FUNCTION_POWER:          /* the device keeps nothing but its cache, and a flush has come before */
        return SRB_STATUS_SUCCESS;
    default:                          /* IO_CONTROL, WMI and what we do not know */
        return SRB_STATUS_INVALID_REQUEST;
    }
}

/* TRUE: HwStartIo shall follow. FALSE: we completed the SRB; HwStartIo never sees it. */
BOOLEAN HwBuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR status = BuildRequest(DeviceExtension, Srb);

    if (status == SRB_STATUS_PENDING)
        return TRUE;
    SrbComplete(DeviceExtension, Srb, status);
    return FALSE;
}

/* Storport names the message that will interrupt the processor this request came from: that message's queue. */
static PQUEUE SelectQueue(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    STARTIO_PERFORMANCE_PARAMETERS params = { 0 };

    if (!Adapter->SteerByMessage || Adapter->QueueCount == 1)
        return &Adapter->Queues[0];
    params.Version = STOR_PERF_VERSION;
    params.Size = sizeof(params);
    if (StorPortGetStartIoPerfParams(Adapter, Srb, &params) != STOR_STATUS_SUCCESS)
        return &Adapter->Queues[0];
    if (params.MessageNumber - 1 >= Adapter->QueueCount)
        return &Adapter->Queues[0];
    return &Adapter->Queues[params.MessageNumber - 1];
}

/*
 * Nothing is lost when a queue is full: Storport holds new requests until some have completed, and sends this one again,
 * from HwBuildIo on and with a new extension, because it is completed as BUSY.
 */
static VOID StartBusy(PADAPTER Adapter, PQUEUE Queue, PSCSI_REQUEST_BLOCK Srb)
{
    StorPortBusy(Adapter, Queue->SlotCount / 4 + 1);
    SrbComplete(Adapter, Srb, SRB_STATUS_BUSY);
}

static VOID StartReset(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    AdapterReset(Adapter);
    SrbComplete(Adapter, Srb, Adapter->Gone ? SRB_STATUS_NO_DEVICE : SRB_STATUS_SUCCESS);
}

BOOLEAN HwStartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PADAPTER adapter = DeviceExtension;
    PREQUEST request = SrbGetMiniportContext(Srb);
    PQUEUE queue;

    if (request->Kind == RequestReset) {
        StartReset(adapter, Srb);
        return TRUE;
    }
    if (adapter->Gone) {              /* since HwBuildIo */
        SrbComplete(adapter, Srb, SRB_STATUS_NO_DEVICE);
        return TRUE;
    }
    queue = SelectQueue(adapter, Srb);
    if (!QueueSubmit(adapter, queue, request))
        StartBusy(adapter, queue, Srb);
    return TRUE;
}
