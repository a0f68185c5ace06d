/*
 * blockio.c - SCSI commands that become virtio requests.
 *
 * Each function checks the command against the disk, then builds header, data and status in the SRB extension. All of
 * it happens in HwBuildIo, without a lock.
 */
#include "ddvioblk.h"

#define CDB_FUA      0x08             /* byte 1 of READ and WRITE (10), (12), (16) */
#define CDB_BYTCHK   0x06             /* byte 1 of VERIFY */
#define CDB_ANCHOR   0x01             /* byte 1 of UNMAP */
#define WS_ANCHOR    0x10             /* byte 1 of WRITE SAME */
#define WS_UNMAP     0x08
#define WS_OLD_BITS  0x06             /* PBDATA, LBDATA */
#define WS_NDOB      0x01             /* WRITE SAME (16): no data, zeros meant */

typedef struct _BLOCK_RANGE {
    ULONGLONG Lba;
    ULONG     Count;
} BLOCK_RANGE;

/* Where the address and the length of a CDB lie is told by its group code, the top three bits. */
static BLOCK_RANGE CdbRange(PCDB Cdb)
{
    const UCHAR *b = Cdb->AsByte;
    BLOCK_RANGE range;

    switch (b[0] >> 5) {
    case 0:                           /* 6 bytes: 21 bits of address, and a length of 0 is 256 */
        range.Lba = GetBig32(b) & 0x1FFFFF;
        range.Count = b[4] != 0 ? b[4] : 256;
        break;
    case 4:                           /* 16 bytes */
        range.Lba = GetBig64(b + 2);
        range.Count = GetBig32(b + 10);
        break;
    case 5:                           /* 12 bytes */
        range.Lba = GetBig32(b + 2);
        range.Count = GetBig32(b + 6);
        break;
    default:                          /* 10 bytes */
        range.Lba = GetBig32(b + 2);
        range.Count = GetBig16(b + 7);
        break;
    }
    return range;
}

/* Written so that no sum can overflow. */
static BOOLEAN RangeOnDisk(PADAPTER Adapter, const BLOCK_RANGE *Range)
{
    return (BOOLEAN)(Range->Lba <= Adapter->Disk.Blocks && Range->Count <= Adapter->Disk.Blocks - Range->Lba);
}

static UCHAR OutOfRange(PSCSI_REQUEST_BLOCK Srb)
{
    return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_BLOCK, 0);
}

static UCHAR WriteProtected(PSCSI_REQUEST_BLOCK Srb)
{
    return ScsiCheckCondition(Srb, SCSI_SENSE_DATA_PROTECT, SCSI_ADSENSE_WRITE_PROTECT, 0);
}

static ULONGLONG RangeSector(PADAPTER Adapter, const BLOCK_RANGE *Range)
{
    return Range->Lba << Adapter->Disk.SectorShift;
}

/* Six-byte commands have no FUA bit: there the same bit is part of the address. */
static BOOLEAN CdbIsFua(PCDB Cdb)
{
    return (BOOLEAN)((Cdb->AsByte[0] >> 5) != 0 && (Cdb->AsByte[1] & CDB_FUA) != 0);
}

/*
 * The data. Storport's list is ours to read until the SRB completes; its elements may be longer than the device likes.
 * FALSE: more pieces than a request holds, which Storport should not send after NumberOfPhysicalBreaks.
 */
static BOOLEAN AddScatterGather(PADAPTER Adapter, PREQUEST Request, PSTOR_SCATTER_GATHER_LIST List, USHORT Flags)
{
    ULONG i;

    for (i = 0; i < List->NumberOfElements; ++i) {
        ULONGLONG physical = (ULONGLONG)List->List[i].PhysicalAddress.QuadPart;
        ULONG left = List->List[i].Length;

        while (left != 0) {
            ULONG piece = left < Adapter->SizeMax ? left : Adapter->SizeMax;

            if (Request->DescriptorCount > Adapter->Segments)
                return FALSE;
            RequestAdd(Request, physical, piece, Flags);
            physical += piece;
            left -= piece;
        }
    }
    return TRUE;
}

static UCHAR BuildTransfer(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, ULONG Type, USHORT Flags,
                           const BLOCK_RANGE *Range)
{
    PSTOR_SCATTER_GATHER_LIST list = StorPortGetScatterGatherList(Adapter, Srb);
    PREQUEST request = RequestLocate(Adapter, Srb);

    if (list == NULL || request == NULL)
        return SRB_STATUS_ERROR;
    RequestBegin(request, Srb, Type, RangeSector(Adapter, Range));
    if (!AddScatterGather(Adapter, request, list, VIRTQ_DESC_F_NEXT | Flags))
        return SRB_STATUS_ERROR;
    RequestEnd(request);
    return SRB_STATUS_PENDING;
}

static UCHAR BlockTransfer(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb, ULONG Type, USHORT Flags)
{
    BLOCK_RANGE range = CdbRange(Cdb);
    ULONGLONG bytes = (ULONGLONG)range.Count << (Adapter->Disk.SectorShift + VIRTIO_SECTOR_SHIFT);

    if (!RangeOnDisk(Adapter, &range))
        return OutOfRange(Srb);
    if (range.Count == 0)
        return SRB_STATUS_SUCCESS;
    if (bytes != SrbGetDataTransferLength(Srb))
        return SRB_STATUS_DATA_OVERRUN;    /* the command and its buffer disagree */
    return BuildTransfer(Adapter, Srb, Type, Flags, &range);
}

/* A read with FUA returns the same bytes as one without. */
UCHAR BlockRead(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    return BlockTransfer(Adapter, Srb, Cdb, VIRTIO_BLK_T_IN, VIRTQ_DESC_F_WRITE);
}

/* A write with FUA is a write followed by a flush; without a volatile cache every write is forced. */
UCHAR BlockWrite(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    UCHAR status;

    if (Adapter->Disk.ReadOnly)
        return WriteProtected(Srb);
    status = BlockTransfer(Adapter, Srb, Cdb, VIRTIO_BLK_T_OUT, 0);
    if (status == SRB_STATUS_PENDING && Adapter->Disk.WriteCache && CdbIsFua(Cdb))
        ((PREQUEST)SrbGetMiniportContext(Srb))->Kind = RequestWriteThenFlush;
    return status;
}

/* SYNCHRONIZE CACHE, START STOP UNIT, SRB_FUNCTION_FLUSH and SHUTDOWN: always the whole cache. */
UCHAR BlockFlush(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PREQUEST request;

    if (!Adapter->Disk.WriteCache)
        return SRB_STATUS_SUCCESS;    /* whatever was completed is on the medium */
    request = RequestLocate(Adapter, Srb);
    if (request == NULL)
        return SRB_STATUS_ERROR;
    RequestBegin(request, Srb, VIRTIO_BLK_T_FLUSH, 0);
    RequestEnd(request);
    return SRB_STATUS_PENDING;
}

/* Without data to compare, VERIFY asks that the medium holds the blocks: they have to get there first. */
UCHAR BlockVerify(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    BLOCK_RANGE range = CdbRange(Cdb);

    if (Cdb->AsByte[1] & CDB_BYTCHK)
        return ScsiInvalidField(Srb);
    if (!RangeOnDisk(Adapter, &range))
        return OutOfRange(Srb);
    return BlockFlush(Adapter, Srb);
}

/* A request whose data is a list of ranges, kept in the SRB extension. */
static UCHAR BuildRanges(PREQUEST Request, PSCSI_REQUEST_BLOCK Srb, ULONG Type, ULONG Count)
{
    if (Count == 0)
        return SRB_STATUS_SUCCESS;
    RequestBegin(Request, Srb, Type, 0);
    RequestAdd(Request, Request->Physical + FIELD_OFFSET(REQUEST, Payload.Ranges),
               Count * (ULONG)sizeof(VIRTIO_BLK_RANGE), VIRTQ_DESC_F_NEXT);
    RequestEnd(Request);
    return SRB_STATUS_PENDING;
}

static VOID PutRange(PADAPTER Adapter, VIRTIO_BLK_RANGE *Out, const BLOCK_RANGE *Range, ULONG Flags)
{
    Out->Sector = RangeSector(Adapter, Range);
    Out->NumSectors = Range->Count << Adapter->Disk.SectorShift;
    Out->Flags = Flags;
}

/* The block descriptors of an UNMAP parameter list: 8 bytes of address, 4 of length, 4 reserved. */
static UCHAR UnmapRanges(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, const UCHAR *Descriptors, ULONG Count)
{
    PREQUEST request = RequestLocate(Adapter, Srb);
    ULONG used = 0, i;

    if (request == NULL)
        return SRB_STATUS_ERROR;
    for (i = 0; i < Count; ++i, Descriptors += 16) {
        BLOCK_RANGE range = { GetBig64(Descriptors), GetBig32(Descriptors + 8) };

        if (!RangeOnDisk(Adapter, &range))
            return OutOfRange(Srb);
        if (range.Count > Adapter->Disk.MaxUnmapBlocks)
            return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_FIELD_PARAMETER_LIST, 0);
        if (range.Count != 0)
            PutRange(Adapter, &request->Payload.Ranges[used++], &range, 0);
    }
    return BuildRanges(request, Srb, VIRTIO_BLK_T_DISCARD, used);
}

UCHAR BlockUnmap(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    ULONG length = GetBig16(&Cdb->AsByte[7]);
    const UCHAR *list = SrbGetDataBuffer(Srb);    /* neither READ nor WRITE: Storport has mapped it */
    ULONG bytes;

    if (Adapter->Disk.MaxUnmapRanges == 0)
        return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
    if (Adapter->Disk.ReadOnly)
        return WriteProtected(Srb);
    if (Cdb->AsByte[1] & CDB_ANCHOR)
        return ScsiInvalidField(Srb);
    if (length == 0)
        return SRB_STATUS_SUCCESS;
    if (length < 8 || list == NULL || SrbGetDataTransferLength(Srb) < length)
        return ScsiInvalidField(Srb);

    bytes = GetBig16(list + 2);
    if (bytes > length - 8)
        bytes = length - 8;
    if (bytes / 16 > Adapter->Disk.MaxUnmapRanges)
        return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_FIELD_PARAMETER_LIST, 0);
    return UnmapRanges(Adapter, Srb, list + 8, bytes / 16);
}

/*
 * TRUE if the one block that WRITE SAME brings is all zeros. Whether this command's buffer counts as "read/write", and so
 * is not mapped, the documentation does not say; StorPortGetSystemAddress is right either way.
 */
static BOOLEAN PatternIsZero(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PUCHAR data = NULL;
    ULONG i;

    if (SrbGetDataTransferLength(Srb) != Adapter->Disk.BlockSize)
        return FALSE;
    if (StorPortGetSystemAddress(Adapter, Srb, (PVOID *)&data) != STOR_STATUS_SUCCESS)
        return FALSE;
    for (i = 0; i < Adapter->Disk.BlockSize; ++i)
        if (data[i] != 0)
            return FALSE;
    return TRUE;
}

/* The device can repeat only zeros. With UNMAP the blocks may be deallocated, if they read as zeros afterwards. */
UCHAR BlockWriteSame(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    BLOCK_RANGE range = CdbRange(Cdb);
    UCHAR options = Cdb->AsByte[1];
    BOOLEAN noData = (BOOLEAN)(Cdb->AsByte[0] == SCSIOP_WRITE_SAME16 && (options & WS_NDOB) != 0);
    PREQUEST request;

    if (Adapter->Disk.MaxZeroBlocks == 0)
        return ScsiCheckCondition(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
    if (Adapter->Disk.ReadOnly)
        return WriteProtected(Srb);
    if (!RangeOnDisk(Adapter, &range))
        return OutOfRange(Srb);
    if (range.Count == 0 || range.Count > Adapter->Disk.MaxZeroBlocks)
        return ScsiInvalidField(Srb); /* both are announced in VPD page B0: WSNZ and MAXIMUM WRITE SAME LENGTH */
    if ((options & (WS_ANCHOR | WS_OLD_BITS)) != 0 || (!noData && !PatternIsZero(Adapter, Srb)))
        return ScsiInvalidField(Srb);

    request = RequestLocate(Adapter, Srb);
    if (request == NULL)
        return SRB_STATUS_ERROR;
    PutRange(Adapter, &request->Payload.Ranges[0], &range,
             (options & WS_UNMAP) && Adapter->Disk.ZeroMayUnmap ? VIRTIO_BLK_RANGE_UNMAP : 0);
    return BuildRanges(request, Srb, VIRTIO_BLK_T_WRITE_ZEROES, 1);
}

/* Asks the device for its serial number; VpdIdentified makes the answer of it when it arrives. */
UCHAR BlockIdentify(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    PREQUEST request = RequestLocate(Adapter, Srb);

    if (request == NULL)
        return SRB_STATUS_ERROR;
    RequestBegin(request, Srb, VIRTIO_BLK_T_GET_ID, 0);
    RequestAdd(request, request->Physical + FIELD_OFFSET(REQUEST, Payload.Id), VIRTIO_BLK_ID_BYTES,
               VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE);
    RequestEnd(request);
    request->Kind = RequestIdentify;
    return SRB_STATUS_PENDING;
}
