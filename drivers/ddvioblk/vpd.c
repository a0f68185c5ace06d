/*
 * vpd.c - vital product data, the INQUIRY pages that say who the disk is (80, 83) and what it likes (B0, B1, B2).
 *
 * The pages with the serial number have to ask the device, so they are answered in two steps: BlockIdentify sends the
 * question, VpdIdentified is called when the device has replied.
 */
#include "ddvioblk.h"

#define VPD_HEADER_BYTES    4
#define VPD_LONG_BYTES      64        /* pages B0 and B1 */
#define VENDOR_BYTES        8
#define VENDOR              "DRYDOCK "
#define CODE_SET_ASCII      0x02
#define DESIGNATOR_T10      0x01
#define LBP_UNMAP           0x80      /* page B2: which commands unmap */
#define LBP_WRITE_SAME16    0x40
#define LBP_WRITE_SAME10    0x20
#define PROVISIONING_THIN   0x02

static const UCHAR SupportedPages[] = { 0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2 };

static VOID VpdHeader(PUCHAR Page, UCHAR Code, ULONG Bytes)
{
    RtlZeroMemory(Page, Bytes);
    Page[0] = DIRECT_ACCESS_DEVICE;
    Page[1] = Code;
    PutBig16(&Page[2], Bytes - VPD_HEADER_BYTES);
}

static ULONG AllocationLength(PSCSI_REQUEST_BLOCK Srb)
{
    return GetBig16(&((PCDB)SrbGetCdb(Srb))->AsByte[3]);
}

static UCHAR VpdSupported(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR page[VPD_HEADER_BYTES + sizeof(SupportedPages)];

    VpdHeader(page, 0x00, sizeof(page));
    RtlCopyMemory(&page[VPD_HEADER_BYTES], SupportedPages, sizeof(SupportedPages));
    return ScsiAnswer(Srb, page, sizeof(page), AllocationLength(Srb));
}

static UCHAR VpdBlockLimits(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    const DISK *disk = &Adapter->Disk;
    ULONG maximum = (Adapter->Segments - 1) * PAGE_SIZE / disk->BlockSize;
    UCHAR page[VPD_LONG_BYTES];

    VpdHeader(page, 0xB0, sizeof(page));
    page[4] = 0x01;                   /* WSNZ: WRITE SAME takes no length of zero */
    PutBig32(&page[8], maximum);
    PutBig32(&page[12], disk->OptimalBlocks);
    PutBig32(&page[20], disk->MaxUnmapRanges != 0 ? disk->MaxUnmapBlocks : 0);
    PutBig32(&page[24], disk->MaxUnmapRanges);
    PutBig32(&page[28], disk->UnmapGranularity);
    PutBig64(&page[36], disk->MaxZeroBlocks);
    return ScsiAnswer(Srb, page, sizeof(page), AllocationLength(Srb));
}

static UCHAR VpdCharacteristics(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR page[VPD_LONG_BYTES];

    VpdHeader(page, 0xB1, sizeof(page));
    PutBig16(&page[4], 1);            /* rotation rate: does not rotate */
    return ScsiAnswer(Srb, page, sizeof(page), AllocationLength(Srb));
}

static UCHAR VpdProvisioning(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR page[8];

    VpdHeader(page, 0xB2, sizeof(page));
    if (Adapter->Disk.MaxUnmapRanges != 0) {
        page[5] |= LBP_UNMAP;
        page[6] = PROVISIONING_THIN;
    }
    if (Adapter->Disk.MaxZeroBlocks != 0 && Adapter->Disk.ZeroMayUnmap)
        page[5] |= LBP_WRITE_SAME16 | LBP_WRITE_SAME10;
    return ScsiAnswer(Srb, page, sizeof(page), AllocationLength(Srb));
}

UCHAR VpdInquiry(PADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PCDB Cdb)
{
    switch (Cdb->AsByte[2]) {
    case 0x00: return VpdSupported(Srb);
    case 0x80:
    case 0x83: return BlockIdentify(Adapter, Srb);
    case 0xB0: return VpdBlockLimits(Adapter, Srb);
    case 0xB1: return VpdCharacteristics(Srb);
    case 0xB2: return VpdProvisioning(Adapter, Srb);
    default:   return ScsiInvalidField(Srb);
    }
}

/* The serial number ends at the first NUL, if it is shorter than its field (virtio 1.2, 5.2.6). */
static ULONG SerialLength(const UCHAR *Id)
{
    ULONG length = 0;

    while (length < VIRTIO_BLK_ID_BYTES && Id[length] != 0)
        ++length;
    return length;
}

static UCHAR VpdSerial(PSCSI_REQUEST_BLOCK Srb, const UCHAR *Id, ULONG Length)
{
    UCHAR page[VPD_HEADER_BYTES + VIRTIO_BLK_ID_BYTES];

    VpdHeader(page, 0x80, VPD_HEADER_BYTES + Length);
    RtlCopyMemory(&page[VPD_HEADER_BYTES], Id, Length);
    return ScsiAnswer(Srb, page, VPD_HEADER_BYTES + Length, AllocationLength(Srb));
}

/* One designator: T10 vendor identification, then the serial number. */
static UCHAR VpdDeviceId(PSCSI_REQUEST_BLOCK Srb, const UCHAR *Id, ULONG Length)
{
    UCHAR page[VPD_HEADER_BYTES + 4 + VENDOR_BYTES + VIRTIO_BLK_ID_BYTES];
    PUCHAR designator = &page[VPD_HEADER_BYTES];
    ULONG bytes = VPD_HEADER_BYTES + 4 + VENDOR_BYTES + Length;

    VpdHeader(page, 0x83, bytes);
    designator[0] = CODE_SET_ASCII;
    designator[1] = DESIGNATOR_T10;
    designator[3] = (UCHAR)(VENDOR_BYTES + Length);
    RtlCopyMemory(&designator[4], VENDOR, VENDOR_BYTES);
    RtlCopyMemory(&designator[4 + VENDOR_BYTES], Id, Length);
    return ScsiAnswer(Srb, page, bytes, AllocationLength(Srb));
}

UCHAR VpdIdentified(PSCSI_REQUEST_BLOCK Srb, const UCHAR *Id)
{
    ULONG length = SerialLength(Id);

    if (((PCDB)SrbGetCdb(Srb))->AsByte[2] == 0x80)
        return VpdSerial(Srb, Id, length);
    return VpdDeviceId(Srb, Id, length);
}
