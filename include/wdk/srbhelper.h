/* One vocabulary for both forms of the request block: each routine looks at SRB.Function and reads or writes the member
 * of the SCSI_REQUEST_BLOCK or of the STORAGE_REQUEST_BLOCK (and its extended data) that means the same. Pure memory
 * access; usable in drivers and on the host. */
#ifndef _SRBHELPER_H_
#define _SRBHELPER_H_

#include "storport.h"

EXTERN_C_START

#define SRB_ALIGN_SIZEOF(type) ((ULONG)((sizeof(type) + 7) & ~(SIZE_T)7))

FORCEINLINE BOOLEAN drydock_srb_is_extended(const void *Srb) {
  return (BOOLEAN)(((const SCSI_REQUEST_BLOCK *)Srb)->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK);
}
#define DRYDOCK_OLD(Srb) ((PSCSI_REQUEST_BLOCK)(Srb))
#define DRYDOCK_NEW(Srb) ((PSTORAGE_REQUEST_BLOCK)(Srb))

FORCEINLINE PSRBEX_DATA SrbGetSrbExDataByIndex(PSTORAGE_REQUEST_BLOCK Srb, ULONG SrbExDataIndex) {
  if (!drydock_srb_is_extended(Srb) || SrbExDataIndex >= Srb->NumSrbExData) return NULL;
  if (Srb->SrbExDataOffset[SrbExDataIndex] < sizeof(STORAGE_REQUEST_BLOCK) ||
      Srb->SrbExDataOffset[SrbExDataIndex] >= Srb->SrbLength)
    return NULL;
  return (PSRBEX_DATA)((PUCHAR)Srb + Srb->SrbExDataOffset[SrbExDataIndex]);
}

FORCEINLINE PSRBEX_DATA SrbGetSrbExDataByType(PSTORAGE_REQUEST_BLOCK Srb, SRBEXDATATYPE Type) {
  ULONG i;
  if (!drydock_srb_is_extended(Srb)) return NULL;
  for (i = 0; i < Srb->NumSrbExData; ++i) {
    PSRBEX_DATA data = SrbGetSrbExDataByIndex(Srb, i);
    if (data != NULL && data->Type == Type) return data;
  }
  return NULL;
}

/* The first extended data that holds a CDB. */
FORCEINLINE PSRBEX_DATA drydock_srb_cdb_data(const void *Srb) {
  ULONG i;
  PSTORAGE_REQUEST_BLOCK srb = (PSTORAGE_REQUEST_BLOCK)(ULONG_PTR)Srb;
  for (i = 0; i < srb->NumSrbExData; ++i) {
    PSRBEX_DATA data = SrbGetSrbExDataByIndex(srb, i);
    if (data != NULL && (data->Type == SrbExDataTypeScsiCdb16 || data->Type == SrbExDataTypeScsiCdb32 ||
                         data->Type == SrbExDataTypeScsiCdbVar))
      return data;
  }
  return NULL;
}

FORCEINLINE PVOID SrbGetPvScsiCdb(PVOID Srb, PULONG CdbLength) {
  PSRBEX_DATA data;
  *CdbLength = 0;
  if (!drydock_srb_is_extended(Srb)) {
    *CdbLength = DRYDOCK_OLD(Srb)->CdbLength;
    return DRYDOCK_OLD(Srb)->Cdb;
  }
  data = drydock_srb_cdb_data(Srb);
  if (data == NULL) return NULL;
  if (data->Type == SrbExDataTypeScsiCdb16) {
    *CdbLength = ((PSRBEX_DATA_SCSI_CDB16)data)->CdbLength;
    return ((PSRBEX_DATA_SCSI_CDB16)data)->Cdb;
  }
  if (data->Type == SrbExDataTypeScsiCdb32) {
    *CdbLength = ((PSRBEX_DATA_SCSI_CDB32)data)->CdbLength;
    return ((PSRBEX_DATA_SCSI_CDB32)data)->Cdb;
  }
  *CdbLength = ((PSRBEX_DATA_SCSI_CDB_VAR)data)->CdbLength;
  return ((PSRBEX_DATA_SCSI_CDB_VAR)data)->Cdb;
}

FORCEINLINE PCDB SrbGetCdb(PVOID Srb) {
  ULONG length;
  return (PCDB)SrbGetPvScsiCdb(Srb, &length);
}

FORCEINLINE ULONG SrbGetCdbLength(PVOID Srb) {
  ULONG length;
  (void)SrbGetPvScsiCdb(Srb, &length);
  return length;
}

FORCEINLINE void SrbSetCdbLength(PVOID Srb, UCHAR Length) {
  PSRBEX_DATA data;
  if (!drydock_srb_is_extended(Srb)) {
    DRYDOCK_OLD(Srb)->CdbLength = Length;
    return;
  }
  data = drydock_srb_cdb_data(Srb);
  if (data == NULL) return;
  if (data->Type == SrbExDataTypeScsiCdb16) ((PSRBEX_DATA_SCSI_CDB16)data)->CdbLength = Length;
  else if (data->Type == SrbExDataTypeScsiCdb32) ((PSRBEX_DATA_SCSI_CDB32)data)->CdbLength = Length;
  else ((PSRBEX_DATA_SCSI_CDB_VAR)data)->CdbLength = Length;
}

FORCEINLINE ULONG SrbGetSrbFunction(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->SrbFunction : DRYDOCK_OLD(Srb)->Function;
}

FORCEINLINE ULONG SrbGetSrbLength(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->SrbLength : DRYDOCK_OLD(Srb)->Length;
}

/* ScsiStatus and the sense buffer sit at the same offsets in the two fixed CDB forms, elsewhere in the variable one. */
FORCEINLINE UCHAR SrbGetScsiStatus(PVOID Srb) {
  PSRBEX_DATA data;
  if (!drydock_srb_is_extended(Srb)) return DRYDOCK_OLD(Srb)->ScsiStatus;
  data = drydock_srb_cdb_data(Srb);
  return data == NULL ? (UCHAR)0 : ((PSRBEX_DATA_SCSI_CDB16)data)->ScsiStatus;
}

FORCEINLINE void SrbSetScsiStatus(PVOID Srb, UCHAR ScsiStatus) {
  PSRBEX_DATA data;
  if (!drydock_srb_is_extended(Srb)) {
    DRYDOCK_OLD(Srb)->ScsiStatus = ScsiStatus;
    return;
  }
  data = drydock_srb_cdb_data(Srb);
  if (data != NULL) ((PSRBEX_DATA_SCSI_CDB16)data)->ScsiStatus = ScsiStatus;
}

FORCEINLINE UCHAR SrbGetSenseInfoBufferLength(PVOID Srb) {
  PSRBEX_DATA data;
  if (!drydock_srb_is_extended(Srb)) return DRYDOCK_OLD(Srb)->SenseInfoBufferLength;
  data = drydock_srb_cdb_data(Srb);
  return data == NULL ? (UCHAR)0 : ((PSRBEX_DATA_SCSI_CDB16)data)->SenseInfoBufferLength;
}

FORCEINLINE void SrbSetSenseInfoBufferLength(PVOID Srb, UCHAR SenseInfoBufferLength) {
  PSRBEX_DATA data;
  if (!drydock_srb_is_extended(Srb)) {
    DRYDOCK_OLD(Srb)->SenseInfoBufferLength = SenseInfoBufferLength;
    return;
  }
  data = drydock_srb_cdb_data(Srb);
  if (data != NULL) ((PSRBEX_DATA_SCSI_CDB16)data)->SenseInfoBufferLength = SenseInfoBufferLength;
}

FORCEINLINE PVOID SrbGetSenseInfoBuffer(PVOID Srb) {
  PSRBEX_DATA data;
  if (!drydock_srb_is_extended(Srb)) return DRYDOCK_OLD(Srb)->SenseInfoBuffer;
  data = drydock_srb_cdb_data(Srb);
  if (data == NULL) return NULL;
  return data->Type == SrbExDataTypeScsiCdbVar ? ((PSRBEX_DATA_SCSI_CDB_VAR)data)->SenseInfoBuffer
                                               : ((PSRBEX_DATA_SCSI_CDB16)data)->SenseInfoBuffer;
}

FORCEINLINE void SrbSetSenseInfoBuffer(PVOID Srb, PVOID SenseInfoBuffer) {
  PSRBEX_DATA data;
  if (!drydock_srb_is_extended(Srb)) {
    DRYDOCK_OLD(Srb)->SenseInfoBuffer = SenseInfoBuffer;
    return;
  }
  data = drydock_srb_cdb_data(Srb);
  if (data == NULL) return;
  if (data->Type == SrbExDataTypeScsiCdbVar) ((PSRBEX_DATA_SCSI_CDB_VAR)data)->SenseInfoBuffer = SenseInfoBuffer;
  else ((PSRBEX_DATA_SCSI_CDB16)data)->SenseInfoBuffer = SenseInfoBuffer;
}

FORCEINLINE BOOLEAN SrbGetScsiData(PVOID Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus,
                                   PVOID *SenseInfoBuffer, PUCHAR SenseInfoBufferLength) {
  ULONG length;
  if (SrbGetPvScsiCdb(Srb, &length) == NULL) return FALSE;
  if (CdbLength8 != NULL) *CdbLength8 = (UCHAR)length;
  if (CdbLength32 != NULL) *CdbLength32 = length;
  if (ScsiStatus != NULL) *ScsiStatus = SrbGetScsiStatus(Srb);
  if (SenseInfoBuffer != NULL) *SenseInfoBuffer = SrbGetSenseInfoBuffer(Srb);
  if (SenseInfoBufferLength != NULL) *SenseInfoBufferLength = SrbGetSenseInfoBufferLength(Srb);
  return TRUE;
}

FORCEINLINE void SrbSetScsiData(PVOID Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus,
                                PVOID *SenseInfoBuffer, PUCHAR SenseInfoBufferLength) {
  PSRBEX_DATA data;
  if (CdbLength8 != NULL) SrbSetCdbLength(Srb, *CdbLength8);
  if (ScsiStatus != NULL) SrbSetScsiStatus(Srb, *ScsiStatus);
  if (SenseInfoBuffer != NULL) SrbSetSenseInfoBuffer(Srb, *SenseInfoBuffer);
  if (SenseInfoBufferLength != NULL) SrbSetSenseInfoBufferLength(Srb, *SenseInfoBufferLength);
  if (CdbLength32 == NULL || !drydock_srb_is_extended(Srb)) return;
  data = drydock_srb_cdb_data(Srb);
  if (data != NULL && data->Type == SrbExDataTypeScsiCdbVar) ((PSRBEX_DATA_SCSI_CDB_VAR)data)->CdbLength = *CdbLength32;
}

/* The address: a BTL8 one beyond the extended block. */
FORCEINLINE PSTOR_ADDRESS SrbGetAddress(PVOID Srb) {
  PSTORAGE_REQUEST_BLOCK srb = DRYDOCK_NEW(Srb);
  if (!drydock_srb_is_extended(Srb) || srb->AddressOffset == 0 || srb->AddressOffset >= srb->SrbLength) return NULL;
  return (PSTOR_ADDRESS)((PUCHAR)Srb + srb->AddressOffset);
}

FORCEINLINE void SrbGetPathTargetLun(const void *Srb, PUCHAR PathId, PUCHAR TargetId, PUCHAR Lun) {
  PSCSI_REQUEST_BLOCK old = (PSCSI_REQUEST_BLOCK)(ULONG_PTR)Srb;
  UCHAR path = 0, target = 0, lun = 0;
  if (!drydock_srb_is_extended(Srb)) {
    path = old->PathId;
    target = old->TargetId;
    lun = old->Lun;
  } else {
    PSTOR_ADDR_BTL8 address = (PSTOR_ADDR_BTL8)SrbGetAddress(old);
    if (address != NULL && address->Type == STOR_ADDRESS_TYPE_BTL8) {
      path = address->Path;
      target = address->Target;
      lun = address->Lun;
    }
  }
  if (PathId != NULL) *PathId = path;
  if (TargetId != NULL) *TargetId = target;
  if (Lun != NULL) *Lun = lun;
}

FORCEINLINE UCHAR SrbGetPathId(PVOID Srb) {
  UCHAR id;
  SrbGetPathTargetLun(Srb, &id, NULL, NULL);
  return id;
}
FORCEINLINE UCHAR SrbGetTargetId(PVOID Srb) {
  UCHAR id;
  SrbGetPathTargetLun(Srb, NULL, &id, NULL);
  return id;
}
FORCEINLINE UCHAR SrbGetLun(PVOID Srb) {
  UCHAR id;
  SrbGetPathTargetLun(Srb, NULL, NULL, &id);
  return id;
}

FORCEINLINE PVOID SrbGetOriginalRequest(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->OriginalRequest : DRYDOCK_OLD(Srb)->OriginalRequest;
}
FORCEINLINE void SrbSetOriginalRequest(PVOID Srb, PVOID OriginalRequest) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->OriginalRequest = OriginalRequest;
  else DRYDOCK_OLD(Srb)->OriginalRequest = OriginalRequest;
}

FORCEINLINE PVOID SrbGetDataBuffer(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->DataBuffer : DRYDOCK_OLD(Srb)->DataBuffer;
}
FORCEINLINE void SrbSetDataBuffer(PVOID Srb, PVOID DataBuffer) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->DataBuffer = DataBuffer;
  else DRYDOCK_OLD(Srb)->DataBuffer = DataBuffer;
}

FORCEINLINE ULONG SrbGetDataTransferLength(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->DataTransferLength : DRYDOCK_OLD(Srb)->DataTransferLength;
}
FORCEINLINE void SrbSetDataTransferLength(PVOID Srb, ULONG DataTransferLength) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->DataTransferLength = DataTransferLength;
  else DRYDOCK_OLD(Srb)->DataTransferLength = DataTransferLength;
}

FORCEINLINE ULONG SrbGetTimeOutValue(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->TimeOutValue : DRYDOCK_OLD(Srb)->TimeOutValue;
}
FORCEINLINE void SrbSetTimeOutValue(PVOID Srb, ULONG TimeOutValue) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->TimeOutValue = TimeOutValue;
  else DRYDOCK_OLD(Srb)->TimeOutValue = TimeOutValue;
}

FORCEINLINE ULONG SrbGetSystemStatus(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->SystemStatus : DRYDOCK_OLD(Srb)->InternalStatus;
}
FORCEINLINE void SrbSetSystemStatus(PVOID Srb, ULONG SystemStatus) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->SystemStatus = SystemStatus;
  else DRYDOCK_OLD(Srb)->InternalStatus = SystemStatus;
}

FORCEINLINE UCHAR SrbGetSrbStatus(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->SrbStatus : DRYDOCK_OLD(Srb)->SrbStatus;
}
FORCEINLINE void SrbSetSrbStatus(PVOID Srb, UCHAR SrbStatus) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->SrbStatus = SrbStatus;
  else DRYDOCK_OLD(Srb)->SrbStatus = SrbStatus;
}

FORCEINLINE PVOID SrbGetNextSrb(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? (PVOID)DRYDOCK_NEW(Srb)->NextSrb : (PVOID)DRYDOCK_OLD(Srb)->NextSrb;
}
FORCEINLINE void SrbSetNextSrb(PVOID Srb, PVOID NextSrb) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->NextSrb = DRYDOCK_NEW(NextSrb);
  else DRYDOCK_OLD(Srb)->NextSrb = DRYDOCK_OLD(NextSrb);
}

FORCEINLINE ULONG SrbGetSrbFlags(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->SrbFlags : DRYDOCK_OLD(Srb)->SrbFlags;
}
FORCEINLINE void SrbAssignSrbFlags(PVOID Srb, ULONG Flags) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->SrbFlags = Flags;
  else DRYDOCK_OLD(Srb)->SrbFlags = Flags;
}
FORCEINLINE void SrbSetSrbFlags(PVOID Srb, ULONG Flags) { SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) | Flags); }
FORCEINLINE void SrbClearSrbFlags(PVOID Srb, ULONG Flags) { SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) & ~Flags); }

/* The SRB extension. */
FORCEINLINE PVOID SrbGetSrbExtension(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->MiniportContext : DRYDOCK_OLD(Srb)->SrbExtension;
}
#define SrbGetMiniportContext SrbGetSrbExtension
FORCEINLINE void SrbSetSrbExtension(PVOID Srb, PVOID SrbExtension) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->MiniportContext = SrbExtension;
  else DRYDOCK_OLD(Srb)->SrbExtension = SrbExtension;
}
#define SrbSetMiniportContext SrbSetSrbExtension
FORCEINLINE PVOID SrbGetClassContext(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->ClassContext : NULL;
}
FORCEINLINE void SrbSetClassContext(PVOID Srb, PVOID ClassContext) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->ClassContext = ClassContext;
}
FORCEINLINE PVOID SrbGetPortContext(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->PortContext : NULL;
}
FORCEINLINE void SrbSetPortContext(PVOID Srb, PVOID PortContext) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->PortContext = PortContext;
}

FORCEINLINE ULONG SrbGetRequestTag(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->RequestTag : DRYDOCK_OLD(Srb)->QueueTag;
}
#define SrbGetQueueTag SrbGetRequestTag
FORCEINLINE void SrbSetRequestTag(PVOID Srb, ULONG RequestTag) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->RequestTag = RequestTag;
  else DRYDOCK_OLD(Srb)->QueueTag = (UCHAR)RequestTag;
}
#define SrbSetQueueTag SrbSetRequestTag
FORCEINLINE ULONG SrbGetRequestAttribute(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->RequestAttribute : DRYDOCK_OLD(Srb)->QueueAction;
}
#define SrbGetQueueAction SrbGetRequestAttribute
FORCEINLINE void SrbSetRequestAttribute(PVOID Srb, UCHAR RequestAttribute) {
  if (drydock_srb_is_extended(Srb)) DRYDOCK_NEW(Srb)->RequestAttribute = RequestAttribute;
  else DRYDOCK_OLD(Srb)->QueueAction = RequestAttribute;
}
#define SrbSetQueueAction SrbSetRequestAttribute
FORCEINLINE USHORT SrbGetRequestPriority(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? DRYDOCK_NEW(Srb)->RequestPriority : (USHORT)0;
}
/* The extended block has no sort key: the port driver sorts by its own means. */
FORCEINLINE ULONG SrbGetQueueSortKey(PVOID Srb) {
  return drydock_srb_is_extended(Srb) ? 0 : DRYDOCK_OLD(Srb)->QueueSortKey;
}
FORCEINLINE void SrbSetQueueSortKey(PVOID Srb, ULONG QueueSortKey) {
  if (!drydock_srb_is_extended(Srb)) DRYDOCK_OLD(Srb)->QueueSortKey = QueueSortKey;
}

FORCEINLINE void SrbZeroSrb(PVOID Srb) {
  UCHAR function = DRYDOCK_OLD(Srb)->Function;
  USHORT length = DRYDOCK_OLD(Srb)->Length;
  if (drydock_srb_is_extended(Srb)) {
    ULONG total = DRYDOCK_NEW(Srb)->SrbLength;
    memset(Srb, 0, total);
    DRYDOCK_NEW(Srb)->SrbLength = total;
  } else {
    memset(Srb, 0, sizeof(SCSI_REQUEST_BLOCK));
  }
  DRYDOCK_OLD(Srb)->Function = function;
  DRYDOCK_OLD(Srb)->Length = length;
}

FORCEINLINE BOOLEAN SrbCopySrb(PVOID DestinationSrb, ULONG DestinationSrbLength, PVOID SourceSrb) {
  ULONG length = drydock_srb_is_extended(SourceSrb) ? DRYDOCK_NEW(SourceSrb)->SrbLength : (ULONG)sizeof(SCSI_REQUEST_BLOCK);
  if (DestinationSrbLength < length) return FALSE;
  memcpy(DestinationSrb, SourceSrb, length);
  return TRUE;
}

EXTERN_C_END

#endif
