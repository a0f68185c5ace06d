/*
 * scsi.c - a virtio block device understands no SCSI; here a driver plays the disk that Windows expects.
 *
 * The answers follow SPC-4 and SBC-3. A command that is not understood must be refused with sense data: the class
 * drivers probe for features that way.
 */
#include "ddvioblk.h"

#define SENSE_BYTES              18   /* fixed format */
#define INQUIRY_BYTES            36
#define MODE_PAGE_CACHING        0x08
#define MODE_PAGE_ALL            0x3F
#define MODE_WCE                 0x04
#define MODE_WRITE_PROTECT       0x80
#define MODE_DPOFUA              0x10
#define CACHING_PAGE_BYTES       20
#define PC_CHANGEABLE            1
#define PC_SAVED                 3
#define ASC_SAVING_NOT_SUPPORTED 0x39
#define ASCQ_CAPACITY_CHANGED    0x09
#define SERVICE_READ_CAPACITY_16 0x10

/* Gives at most AllocationLength bytes to the caller, and says how many. */
UCHAR ScsiAnswer(PSCSI_REQUEST_BLOCK Srb, const VOID *Data, ULONG Length, ULONG AllocationLength)
{
    PVOID buffer = SrbGetDataBuffer(Srb);
    ULONG room = SrbGetDataTransferLength(Srb);

    if (Length > AllocationLength)
        Length = AllocationLength;
    if (Length > room)
        Length = room;
    if (Length != 0 && buffer == NULL)
        return SRB_STATUS_INVALID_REQUEST;
    RtlCopyMemory(buffer, Data, Length);
    SrbSetDataTransferLength(Srb, Length);
    return SRB_STATUS_SUCCESS;
}

static VOID FillSense(PUCHAR Sense, UCHAR SenseKey, UCHAR Asc, UCHAR Ascq)
{
    RtlZeroMemory(Sense, SENSE_BYTES);
    Sense[0] = 0x70;                  /* current error, fixed format */
    Sense[2] = SenseKey;
    Sense[7] = SENSE_BYTES - 8;       /* additional length */
    Sense[12] = Asc;
    Sense[13] = Ascq;
}

/* Autosense: a Storport adapter delivers the sense data with the failure, nobody asks for it later. */
UCHAR ScsiCheckCondition(PSCSI_REQUEST_BLOCK Srb, UCHAR SenseKey, UCHAR Asc, UCHAR Ascq)
{
    PVOID buffer = SrbGetSenseInfoBuffer(Srb);
    UCHAR room = SrbGetSenseInfoBufferLength(Srb);
    UCHAR sense[SENSE_BYTES];

    SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
    SrbSetDataTransferLength(Srb, 0);
    if (buffer == NULL || room == 0)
        return SRB_STATUS_ERROR;
    FillSense(sense, SenseKey, Asc, Ascq);
    RtlCopyMemory(buffer, sense, room < SENSE_BYTES ? room : SENSE_BYTES);
    return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

UCHAR ScsiInvalidField(PSCSI_REQUEST_BLOCK Srb)
{
    return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_CDB, 0);
}

static UCHAR RequestSense(PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    UCHAR sense[SENSE_BYTES];

    FillSense(sense, SCSI_SENSE_NO_SENSE, SCSI_ADSENSE_NO_SENSE, 0);
    return ScsiAnswer(Srb, sense, sizeof(sense), Cdb->AsByte[4]);
}

/* The first INQUIRY is also the moment from which on the unit's queue depth may be set. */
static UCHAR Inquiry(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    UCHAR data[INQUIRY_BYTES];

    if (Cdb->AsByte[1] & 0x01)
        return VpdInquiry(Adapter, Srb, Cdb);
    if (Cdb->AsByte[2] != 0)
        return ScsiInvalidField(Srb);

    StorPortSetDeviceQueueDepth(Adapter, 0, 0, 0, Adapter->Queues[0].SlotCount);
    RtlZeroMemory(data, sizeof(data));
    data[0] = DIRECT_ACCESS_DEVICE;
    data[2] = 6;                      /* SPC-4 */
    data[3] = 0x02;                   /* response data format */
    data[4] = INQUIRY_BYTES - 5;
    data[7] = 0x02;                   /* CMDQUE */
    RtlCopyMemory(&data[8], "DRYDOCK ", 8);
    RtlCopyMemory(&data[16], "virtio-blk disk ", 16);
    RtlCopyMemory(&data[32], "1.0 ", 4);
    return ScsiAnswer(Srb, data, sizeof(data), GetBig16(&Cdb->AsByte[3]));
}

static UCHAR ReadCapacity10(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    ULONGLONG last = Adapter->Disk.Blocks - 1;
    UCHAR data[8];

    PutBig32(&data[0], last > MAXULONG ? MAXULONG : (ULONG)last);    /* all ones: ask READ CAPACITY (16) */
    PutBig32(&data[4], Adapter->Disk.BlockSize);
    return ScsiAnswer(Srb, data, sizeof(data), sizeof(data));
}

static UCHAR ReadCapacity16(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    UCHAR data[32];

    if ((Cdb->AsByte[1] & 0x1F) != SERVICE_READ_CAPACITY_16)
        return ScsiInvalidField(Srb);
    RtlZeroMemory(data, sizeof(data));
    PutBig64(&data[0], Adapter->Disk.Blocks - 1);
    PutBig32(&data[8], Adapter->Disk.BlockSize);
    data[13] = Adapter->Disk.PhysicalExponent & 0x0F;
    data[14] = Adapter->Disk.MaxUnmapRanges != 0 ? 0x80 : 0;         /* LBPME: unmapping means something */
    data[15] = Adapter->Disk.AlignmentOffset;
    return ScsiAnswer(Srb, data, sizeof(data), GetBig32(&Cdb->AsByte[10]));
}

static UCHAR ReportLuns(PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    UCHAR data[16];

    RtlZeroMemory(data, sizeof(data));
    PutBig32(&data[0], 8);            /* one entry of eight bytes: LUN 0 */
    return ScsiAnswer(Srb, data, sizeof(data), GetBig32(&Cdb->AsByte[6]));
}

/* The caching page. For "changeable values" it is a mask: nothing can be changed. */
static VOID FillCachingPage(PADAPTER Adapter, PUCHAR Page, UCHAR PageControl)
{
    RtlZeroMemory(Page, CACHING_PAGE_BYTES);
    Page[0] = MODE_PAGE_CACHING;
    Page[1] = CACHING_PAGE_BYTES - 2;
    if (Adapter->Disk.WriteCache && PageControl != PC_CHANGEABLE)
        Page[2] = MODE_WCE;
}

/* MODE SENSE (6) and (10): a header of 4 or 8 bytes, no block descriptor, the page. */
static UCHAR ModeSense(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    BOOLEAN ten = (BOOLEAN)(Cdb->AsByte[0] == SCSIOP_MODE_SENSE10);
    ULONG header = ten ? 8 : 4;
    UCHAR page = Cdb->AsByte[2] & 0x3F;
    UCHAR control = Cdb->AsByte[2] >> 6;
    UCHAR data[8 + CACHING_PAGE_BYTES];
    UCHAR specific;

    if (page != MODE_PAGE_CACHING && page != MODE_PAGE_ALL)
        return ScsiInvalidField(Srb);
    if (control == PC_SAVED)
        return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED, 0);

    /* DPOFUA: a class driver sends FUA writes only to a disk that says it understands them. */
    specific = (UCHAR)((Adapter->Disk.ReadOnly ? MODE_WRITE_PROTECT : 0) | (Adapter->Disk.WriteCache ? MODE_DPOFUA : 0));
    RtlZeroMemory(data, sizeof(data));
    if (ten) {
        PutBig16(&data[0], header + CACHING_PAGE_BYTES - 2);
        data[3] = specific;
    } else {
        data[0] = (UCHAR)(header + CACHING_PAGE_BYTES - 1);
        data[2] = specific;
    }
    FillCachingPage(Adapter, &data[header], control);
    return ScsiAnswer(Srb, data, header + CACHING_PAGE_BYTES, ten ? GetBig16(&Cdb->AsByte[7]) : Cdb->AsByte[4]);
}

/* The device interrupted because its configuration changed: the first command afterwards carries the news. */
static BOOLEAN CapacityChanged(PADAPTER Adapter)
{
    ULONGLONG before = Adapter->Disk.Blocks;

    if (!InterlockedExchange(&Adapter->ConfigChanged, FALSE))
        return FALSE;                 /* another processor was quicker */
    DeviceReadCapacity(Adapter);
    return (BOOLEAN)(Adapter->Disk.Blocks != before);
}

static UCHAR ScsiEmulate(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    switch (Cdb->AsByte[0]) {
    case SCSIOP_TEST_UNIT_READY:     return SRB_STATUS_SUCCESS;
    case SCSIOP_REQUEST_SENSE:       return RequestSense(Srb, Cdb);
    case SCSIOP_INQUIRY:             return Inquiry(Adapter, Srb, Cdb);
    case SCSIOP_REPORT_LUNS:         return ReportLuns(Srb, Cdb);
    case SCSIOP_READ_CAPACITY:       return ReadCapacity10(Adapter, Srb);
    case SCSIOP_READ_CAPACITY16:     return ReadCapacity16(Adapter, Srb, Cdb);
    case SCSIOP_MODE_SENSE:
    case SCSIOP_MODE_SENSE10:        return ModeSense(Adapter, Srb, Cdb);
    case SCSIOP_START_STOP_UNIT:
    case SCSIOP_SYNCHRONIZE_CACHE:
    case SCSIOP_SYNCHRONIZE_CACHE16: return BlockFlush(Adapter, Srb);
    case SCSIOP_VERIFY:
    case SCSIOP_VERIFY12:
    case SCSIOP_VERIFY16:            return BlockVerify(Adapter, Srb, Cdb);
    case SCSIOP_UNMAP:               return BlockUnmap(Adapter, Srb, Cdb);
    case SCSIOP_WRITE_SAME:
    case SCSIOP_WRITE_SAME16:        return BlockWriteSame(Adapter, Srb, Cdb);
    default:
        return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
    }
}

static BOOLEAN AddressedToUs(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR path, target, lun;

    SrbGetPathTargetLun(Srb, &path, &target, &lun);
    return (BOOLEAN)((path | target | lun) == 0);
}

UCHAR ScsiCommand(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PCDB cdb = SrbGetCdb(Srb);

    if (cdb == NULL || !AddressedToUs(Srb))
        return SRB_STATUS_NO_DEVICE;
    if (Adapter->ConfigChanged && cdb->AsByte[0] != SCSIOP_INQUIRY && CapacityChanged(Adapter))
        return ScsiCheckCondition(Srb, SCSI_SENSE_UNIT_ATTENTION, SCSI_ADSENSE_PARAMETERS_CHANGED,
                                  ASCQ_CAPACITY_CHANGED);
    SrbSetScsiStatus(Srb, SCSISTAT_GOOD);

    switch (cdb->AsByte[0]) {
    case SCSIOP_READ6:
    case SCSIOP_READ:
    case SCSIOP_READ12:
    case SCSIOP_READ16:
        return BlockRead(Adapter, Srb, cdb);
    case SCSIOP_WRITE6:
    case SCSIOP_WRITE:
    case SCSIOP_WRITE12:
    case SCSIOP_WRITE16:
        return BlockWrite(Adapter, Srb, cdb);
    default:
        return ScsiEmulate(Adapter, Srb, cdb);
    }
}
