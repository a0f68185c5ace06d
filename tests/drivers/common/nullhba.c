/* nullhba.c - see nullhba.h. */
#include "nullhba.h"

#define SENSE_BYTES 18

static UCHAR Disk[NULL_BLOCKS * NULL_BLOCK_SIZE];

volatile ULONG NullUnits = 1;

static UCHAR Opcode(PSCSI_REQUEST_BLOCK Srb)
{
    if (SrbGetSrbFunction(Srb) != SRB_FUNCTION_EXECUTE_SCSI)
        return 0xFF;
    return ((PCDB)SrbGetCdb(Srb))->AsByte[0];
}

BOOLEAN NullIsRead(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR op = Opcode(Srb);

    return (BOOLEAN)(op == SCSIOP_READ6 || op == SCSIOP_READ || op == SCSIOP_READ12 || op == SCSIOP_READ16);
}

BOOLEAN NullIsWrite(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR op = Opcode(Srb);

    return (BOOLEAN)(op == SCSIOP_WRITE6 || op == SCSIOP_WRITE || op == SCSIOP_WRITE12 || op == SCSIOP_WRITE16);
}

BOOLEAN NullIsInquiry(PSCSI_REQUEST_BLOCK Srb)
{
    return (BOOLEAN)(Opcode(Srb) == SCSIOP_INQUIRY);
}

static UCHAR CheckCondition(PSCSI_REQUEST_BLOCK Srb, UCHAR Asc)
{
    UCHAR sense[SENSE_BYTES];
    UCHAR room = SrbGetSenseInfoBufferLength(Srb);
    PVOID buffer = SrbGetSenseInfoBuffer(Srb);

    RtlZeroMemory(sense, sizeof(sense));
    sense[0] = 0x70;
    sense[2] = SCSI_SENSE_ILLEGAL_REQUEST;
    sense[7] = SENSE_BYTES - 8;
    sense[12] = Asc;
    SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
    SrbSetDataTransferLength(Srb, 0);
    if (buffer == NULL || room == 0)
        return SRB_STATUS_ERROR;
    RtlCopyMemory(buffer, sense, room < SENSE_BYTES ? room : SENSE_BYTES);
    return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

/* StorPortGetSystemAddress is for DISPATCH_LEVEL and below; under half duplex HwStartIo runs at DIRQL. */
static ULONG DataAddress(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb, PVOID *Address)
{
    if (KeGetCurrentIrql() <= DISPATCH_LEVEL)
        return StorPortGetSystemAddress(Adapter, Srb, Address);
    *Address = SrbGetDataBuffer(Srb);
    return STOR_STATUS_SUCCESS;
}

static UCHAR Answer(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb, const UCHAR *Data, ULONG Length)
{
    PVOID buffer = NULL;

    if (Length > SrbGetDataTransferLength(Srb))
        Length = SrbGetDataTransferLength(Srb);
    if (Length != 0) {
        if (DataAddress(Adapter, Srb, &buffer) != STOR_STATUS_SUCCESS)
            return SRB_STATUS_ERROR;
        RtlCopyMemory(buffer, Data, Length);
    }
    SrbSetDataTransferLength(Srb, Length);
    return SRB_STATUS_SUCCESS;
}

static UCHAR Inquiry(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb, const UCHAR *Cdb)
{
    UCHAR data[36];

    if (Cdb[1] & 1)
        return CheckCondition(Srb, SCSI_ADSENSE_INVALID_CDB);
    RtlZeroMemory(data, sizeof(data));
    data[2] = 6;
    data[3] = 2;
    data[4] = sizeof(data) - 5;
    data[7] = 2;
    RtlCopyMemory(&data[8], "DRYDOCK null HBA        1.0 ", 28);
    return Answer(Adapter, Srb, data, sizeof(data));
}

static VOID PutBig32(PUCHAR P, ULONG Value)
{
    P[0] = (UCHAR)(Value >> 24);
    P[1] = (UCHAR)(Value >> 16);
    P[2] = (UCHAR)(Value >> 8);
    P[3] = (UCHAR)Value;
}

static UCHAR Capacity(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb, BOOLEAN Long)
{
    UCHAR data[32];
    PUCHAR p = Long ? &data[4] : data;

    RtlZeroMemory(data, sizeof(data));
    PutBig32(p, NULL_BLOCKS - 1);
    PutBig32(p + 4, NULL_BLOCK_SIZE);
    return Answer(Adapter, Srb, data, Long ? 32 : 8);
}

static UCHAR ReportLuns(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR data[8 + 8 * NULL_UNITS_MAX];
    ULONG length = 8;
    UCHAR lun;

    RtlZeroMemory(data, sizeof(data));
    for (lun = 0; lun < NULL_UNITS_MAX; ++lun) {
        if (NullUnits >> lun & 1) {
            data[length + 1] = lun;
            length += 8;
        }
    }
    data[3] = (UCHAR)(length - 8);
    return Answer(Adapter, Srb, data, length);
}

/* The address: 21, 32 or 64 bits, as the group code in the top of the opcode says. */
static ULONGLONG CdbLba(const UCHAR *Cdb)
{
    ULONGLONG lba = 0;
    ULONG bytes = Cdb[0] >> 5 == 4 ? 8 : 4;
    ULONG i;

    if (Cdb[0] >> 5 == 0)
        return (ULONGLONG)(Cdb[1] & 0x1F) << 16 | (ULONGLONG)Cdb[2] << 8 | Cdb[3];
    for (i = 0; i < bytes; ++i)
        lba = lba << 8 | Cdb[2 + i];
    return lba;
}

static UCHAR Transfer(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb, const UCHAR *Cdb)
{
    ULONG bytes = SrbGetDataTransferLength(Srb);
    ULONGLONG lba = CdbLba(Cdb);
    PVOID data = NULL;

    if (lba > NULL_BLOCKS || bytes / NULL_BLOCK_SIZE > NULL_BLOCKS - lba)
        return CheckCondition(Srb, SCSI_ADSENSE_ILLEGAL_BLOCK);
    if (bytes == 0)
        return SRB_STATUS_SUCCESS;
    if (DataAddress(Adapter, Srb, &data) != STOR_STATUS_SUCCESS)
        return SRB_STATUS_ERROR;
    if (NullIsWrite(Srb))
        RtlCopyMemory(&Disk[lba * NULL_BLOCK_SIZE], data, bytes);
    else
        RtlCopyMemory(data, &Disk[lba * NULL_BLOCK_SIZE], bytes);
    return SRB_STATUS_SUCCESS;
}

static UCHAR Command(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    const UCHAR *cdb = ((PCDB)SrbGetCdb(Srb))->AsByte;

    UCHAR lun = SrbGetLun(Srb);

    if ((SrbGetPathId(Srb) | SrbGetTargetId(Srb)) != 0 || lun >= NULL_UNITS_MAX || !(NullUnits >> lun & 1))
        return SRB_STATUS_NO_DEVICE;
    SrbSetScsiStatus(Srb, SCSISTAT_GOOD);
    if (NullIsRead(Srb) || NullIsWrite(Srb))
        return Transfer(Adapter, Srb, cdb);
    switch (cdb[0]) {
    case SCSIOP_INQUIRY:          return Inquiry(Adapter, Srb, cdb);
    case SCSIOP_READ_CAPACITY:    return Capacity(Adapter, Srb, FALSE);
    case SCSIOP_READ_CAPACITY16:  return Capacity(Adapter, Srb, TRUE);
    case SCSIOP_REPORT_LUNS:      return ReportLuns(Adapter, Srb);
    case SCSIOP_TEST_UNIT_READY:
    case SCSIOP_START_STOP_UNIT:
    case SCSIOP_SYNCHRONIZE_CACHE:
    case SCSIOP_SYNCHRONIZE_CACHE16:
        return SRB_STATUS_SUCCESS;
    default:
        return CheckCondition(Srb, SCSI_ADSENSE_ILLEGAL_COMMAND);
    }
}

UCHAR NullExecute(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    switch (SrbGetSrbFunction(Srb)) {
    case SRB_FUNCTION_EXECUTE_SCSI:
        return Command(Adapter, Srb);
    case SRB_FUNCTION_FLUSH:
    case SRB_FUNCTION_SHUTDOWN:
    case SRB_FUNCTION_PNP:
    case SRB_FUNCTION_POWER:
    case SRB_FUNCTION_RESET_LOGICAL_UNIT:
    case SRB_FUNCTION_RESET_DEVICE:
    case SRB_FUNCTION_RESET_BUS:
        return SRB_STATUS_SUCCESS;
    default:
        return SRB_STATUS_INVALID_REQUEST;
    }
}

VOID NullComplete(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
    SrbSetSrbStatus(Srb, SrbStatus);
    StorPortNotification(RequestComplete, Adapter, Srb);
}

BOOLEAN NullStartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    NullComplete(DeviceExtension, Srb, NullExecute(DeviceExtension, Srb));
    return TRUE;
}

ULONG NullFindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                      PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(HwContext);
    UNREFERENCED_PARAMETER(BusInformation);
    UNREFERENCED_PARAMETER(ArgumentString);
    *Again = FALSE;
    ConfigInfo->MaximumTransferLength = NULL_MAX_TRANSFER;
    ConfigInfo->NumberOfPhysicalBreaks = NULL_MAX_TRANSFER / PAGE_SIZE + 1;
    ConfigInfo->ScatterGather = TRUE;
    ConfigInfo->Master = TRUE;
    ConfigInfo->NumberOfBuses = 1;
    ConfigInfo->MaximumNumberOfTargets = 1;
    ConfigInfo->MaximumNumberOfLogicalUnits = 1;
    ConfigInfo->SynchronizationModel = StorSynchronizeFullDuplex;
    if (ConfigInfo->Dma64BitAddresses & SCSI_DMA64_SYSTEM_SUPPORTED)
        ConfigInfo->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
    return SP_RETURN_FOUND;
}

BOOLEAN NullInitialize(PVOID DeviceExtension)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    return TRUE;
}

BOOLEAN NullInterrupt(PVOID DeviceExtension)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    return FALSE;                     /* no hardware, no interrupt of ours */
}

BOOLEAN NullResetBus(PVOID DeviceExtension, ULONG PathId)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(PathId);
    return TRUE;                      /* every request was completed before HwStartIo returned */
}

SCSI_ADAPTER_CONTROL_STATUS NullAdapterControl(PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType,
                                               PVOID Parameters)
{
    PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = Parameters;

    UNREFERENCED_PARAMETER(DeviceExtension);
    switch (ControlType) {
    case ScsiQuerySupportedControlTypes:
        list->SupportedTypeList[ScsiQuerySupportedControlTypes] = TRUE;
        list->SupportedTypeList[ScsiStopAdapter] = TRUE;
        list->SupportedTypeList[ScsiRestartAdapter] = TRUE;
        return ScsiAdapterControlSuccess;
    case ScsiStopAdapter:
    case ScsiRestartAdapter:
        return ScsiAdapterControlSuccess;
    default:
        return ScsiAdapterControlUnsuccessful;
    }
}

VOID NullDescribe(HW_INITIALIZATION_DATA *Init)
{
    RtlZeroMemory(Init, sizeof(*Init));
    Init->HwInitializationDataSize = sizeof(*Init);
    Init->AdapterInterfaceType = PCIBus;
    Init->HwFindAdapter = NullFindAdapter;
    Init->HwInitialize = NullInitialize;
    Init->HwStartIo = NullStartIo;
    Init->HwInterrupt = NullInterrupt;
    Init->HwResetBus = NullResetBus;
    Init->HwAdapterControl = NullAdapterControl;
    Init->NeedPhysicalAddresses = TRUE;
    Init->TaggedQueuing = TRUE;
    Init->AutoRequestSense = TRUE;
    Init->MultipleRequestPerLu = TRUE;
    Init->MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    Init->SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    Init->AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
    Init->DeviceExtensionSize = sizeof(NULL_ADAPTER);
    Init->SrbExtensionSize = sizeof(NULL_REQUEST);
    Init->NumberOfAccessRanges = 6;
}
