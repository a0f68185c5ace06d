/* The SCSI Port interface: its miniport's initialisation and configuration blocks (LAY-06, LAY-07) and its routines.
 * A Storport miniport includes storport.h first and gets nothing more from here than the request blocks both share. On
 * the host both ports are present at once: SCSI Port's two blocks are then called SCSIPORT_..., Storport's keep the
 * documented names. */
#ifndef _NTSRB_
#define _NTSRB_

#include "drydock_srb.h"

#if DRYDOCK_HOST
#define DRYDOCK_SCSIPORT_TAG(name) _SCSIPORT_##name
#define DRYDOCK_SCSIPORT_NAME(name) SCSIPORT_##name
#else
#define DRYDOCK_SCSIPORT_TAG(name) _##name
#define DRYDOCK_SCSIPORT_NAME(name) name
#endif

#if DRYDOCK_HOST || !defined(_NTSTORPORT_)
#define DRYDOCK_SCSIPORT_DECLARED

EXTERN_C_START

typedef struct DRYDOCK_SCSIPORT_TAG(PORT_CONFIGURATION_INFORMATION) {
  ULONG Length;
  ULONG SystemIoBusNumber;
  INTERFACE_TYPE AdapterInterfaceType;
  ULONG BusInterruptLevel;
  ULONG BusInterruptVector;
  KINTERRUPT_MODE InterruptMode;
  ULONG MaximumTransferLength;
  ULONG NumberOfPhysicalBreaks;
  ULONG DmaChannel;
  ULONG DmaPort;
  DMA_WIDTH DmaWidth;
  DMA_SPEED DmaSpeed;
  ULONG AlignmentMask;
  ULONG NumberOfAccessRanges;
  ACCESS_RANGE (*AccessRanges)[];
  PVOID Reserved;
  UCHAR NumberOfBuses;
  UCHAR InitiatorBusId[8];
  BOOLEAN ScatterGather;
  BOOLEAN Master;
  BOOLEAN CachesData;
  BOOLEAN AdapterScansDown;
  BOOLEAN AtdiskPrimaryClaimed;
  BOOLEAN AtdiskSecondaryClaimed;
  BOOLEAN Dma32BitAddresses;
  BOOLEAN DemandMode;
  BOOLEAN MapBuffers;
  BOOLEAN NeedPhysicalAddresses;
  BOOLEAN TaggedQueuing;
  BOOLEAN AutoRequestSense;
  BOOLEAN MultipleRequestPerLu;
  BOOLEAN ReceiveEvent;
  BOOLEAN RealModeInitialized;
  BOOLEAN BufferAccessScsiPortControlled;
  UCHAR MaximumNumberOfTargets;
  UCHAR ReservedUchars[2];
  ULONG SlotNumber;
  ULONG BusInterruptLevel2;
  ULONG BusInterruptVector2;
  KINTERRUPT_MODE InterruptMode2;
  ULONG DmaChannel2;
  ULONG DmaPort2;
  DMA_WIDTH DmaWidth2;
  DMA_SPEED DmaSpeed2;
  ULONG DeviceExtensionSize;
  ULONG SpecificLuExtensionSize;
  ULONG SrbExtensionSize;
  UCHAR Dma64BitAddresses;
  BOOLEAN ResetTargetSupported;
  UCHAR MaximumNumberOfLogicalUnits;
  BOOLEAN WmiDataProvider;
} DRYDOCK_SCSIPORT_NAME(PORT_CONFIGURATION_INFORMATION), *DRYDOCK_SCSIPORT_NAME(PPORT_CONFIGURATION_INFORMATION);
#if !DRYDOCK_HOST
#define CONFIG_INFO_VERSION_2 sizeof(PORT_CONFIGURATION_INFORMATION)
#endif

typedef ULONG NTAPI DRYDOCK_SCSIPORT_NAME(HW_FIND_ADAPTER)(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation,
                                                          PCHAR ArgumentString,
                                                          DRYDOCK_SCSIPORT_NAME(PPORT_CONFIGURATION_INFORMATION) ConfigInfo,
                                                          PBOOLEAN Again);
typedef DRYDOCK_SCSIPORT_NAME(HW_FIND_ADAPTER) * DRYDOCK_SCSIPORT_NAME(PHW_FIND_ADAPTER);

typedef struct DRYDOCK_SCSIPORT_TAG(HW_INITIALIZATION_DATA) {
  ULONG HwInitializationDataSize;
  INTERFACE_TYPE AdapterInterfaceType;
  PHW_INITIALIZE HwInitialize;
  PHW_STARTIO HwStartIo;
  PHW_INTERRUPT HwInterrupt;
  DRYDOCK_SCSIPORT_NAME(PHW_FIND_ADAPTER) HwFindAdapter;
  PHW_RESET_BUS HwResetBus;
  PHW_DMA_STARTED HwDmaStarted;
  PHW_ADAPTER_STATE HwAdapterState;
  ULONG DeviceExtensionSize;
  ULONG SpecificLuExtensionSize;
  ULONG SrbExtensionSize;
  ULONG NumberOfAccessRanges;
  PVOID Reserved;
  BOOLEAN MapBuffers;
  BOOLEAN NeedPhysicalAddresses;
  BOOLEAN TaggedQueuing;
  BOOLEAN AutoRequestSense;
  BOOLEAN MultipleRequestPerLu;
  BOOLEAN ReceiveEvent;
  USHORT VendorIdLength;
  PVOID VendorId;
  USHORT ReservedUshort;
  USHORT DeviceIdLength;
  PVOID DeviceId;
  PHW_ADAPTER_CONTROL HwAdapterControl;
} DRYDOCK_SCSIPORT_NAME(HW_INITIALIZATION_DATA), *DRYDOCK_SCSIPORT_NAME(PHW_INITIALIZATION_DATA);

#if DRYDOCK_HOST
#define SCSIPORT_API
#else
#define SCSIPORT_API DECLSPEC_IMPORT
#endif

SCSIPORT_API ULONG NTAPI ScsiPortInitialize(PVOID Argument1, PVOID Argument2,
                                            struct DRYDOCK_SCSIPORT_TAG(HW_INITIALIZATION_DATA) * HwInitializationData,
                                            PVOID HwContext);
SCSIPORT_API void NTAPI ScsiPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress);
SCSIPORT_API ULONG NTAPI ScsiPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
                                            ULONG SlotNumber, PVOID Buffer, ULONG Length);
SCSIPORT_API ULONG NTAPI ScsiPortSetBusDataByOffset(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
                                                    ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length);
SCSIPORT_API PVOID NTAPI ScsiPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType, ULONG SystemIoBusNumber,
                                               SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes, BOOLEAN InIoSpace);
SCSIPORT_API PVOID NTAPI ScsiPortGetLogicalUnit(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
SCSIPORT_API PSCSI_REQUEST_BLOCK NTAPI ScsiPortGetSrb(PVOID DeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                                      LONG QueueTag);
SCSIPORT_API SCSI_PHYSICAL_ADDRESS NTAPI ScsiPortGetPhysicalAddress(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
                                                                    PVOID VirtualAddress, ULONG *Length);
SCSIPORT_API PVOID NTAPI ScsiPortGetVirtualAddress(PVOID HwDeviceExtension, SCSI_PHYSICAL_ADDRESS PhysicalAddress);
SCSIPORT_API PVOID NTAPI ScsiPortGetUncachedExtension(PVOID HwDeviceExtension,
                                                      struct DRYDOCK_SCSIPORT_TAG(PORT_CONFIGURATION_INFORMATION) *
                                                          ConfigInfo,
                                                      ULONG NumberOfBytes);
SCSIPORT_API void NTAPI ScsiPortFlushDma(PVOID DeviceExtension);
SCSIPORT_API void NTAPI ScsiPortIoMapTransfer(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID LogicalAddress,
                                              ULONG Length);
SCSIPORT_API void NTAPI ScsiPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...);
SCSIPORT_API void NTAPI ScsiPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId, UCHAR TargetId,
                                         UCHAR Lun, ULONG ErrorCode, ULONG UniqueId);
SCSIPORT_API void NTAPI ScsiPortCompleteRequest(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                                UCHAR SrbStatus);
SCSIPORT_API void NTAPI ScsiPortMoveMemory(PVOID WriteBuffer, PVOID ReadBuffer, ULONG Length);
SCSIPORT_API void NTAPI ScsiPortStallExecution(ULONG Delay);
SCSIPORT_API BOOLEAN NTAPI ScsiPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType, ULONG SystemIoBusNumber,
                                                 SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes, BOOLEAN InIoSpace);
SCSIPORT_API ULONG NTAPI ScsiPortConvertPhysicalAddressToUlong(SCSI_PHYSICAL_ADDRESS Address);
SCSIPORT_API SCSI_PHYSICAL_ADDRESS NTAPI ScsiPortConvertUlongToPhysicalAddress(ULONG_PTR UlongAddress);
SCSIPORT_API void NTAPI ScsiPortQuerySystemTime(PLARGE_INTEGER CurrentTime);
SCSIPORT_API void NTAPI ScsiDebugPrint(ULONG DebugPrintLevel, PCCHAR DebugMessage, ...);
#define ScsiPortConvertPhysicalAddressToULongPtr(Address) ((ULONG_PTR)((Address).QuadPart))

#if !DRYDOCK_HOST
/* Register and port access compile to plain instructions on x86-64. */
#define ScsiPortReadRegisterUchar(Register) READ_REGISTER_UCHAR(Register)
#define ScsiPortReadRegisterUshort(Register) READ_REGISTER_USHORT(Register)
#define ScsiPortReadRegisterUlong(Register) READ_REGISTER_ULONG(Register)
#define ScsiPortReadRegisterBufferUchar(Register, Buffer, Count) READ_REGISTER_BUFFER_UCHAR(Register, Buffer, Count)
#define ScsiPortReadRegisterBufferUshort(Register, Buffer, Count) READ_REGISTER_BUFFER_USHORT(Register, Buffer, Count)
#define ScsiPortReadRegisterBufferUlong(Register, Buffer, Count) READ_REGISTER_BUFFER_ULONG(Register, Buffer, Count)
#define ScsiPortWriteRegisterUchar(Register, Value) WRITE_REGISTER_UCHAR(Register, Value)
#define ScsiPortWriteRegisterUshort(Register, Value) WRITE_REGISTER_USHORT(Register, Value)
#define ScsiPortWriteRegisterUlong(Register, Value) WRITE_REGISTER_ULONG(Register, Value)
#define ScsiPortWriteRegisterBufferUchar(Register, Buffer, Count) WRITE_REGISTER_BUFFER_UCHAR(Register, Buffer, Count)
#define ScsiPortWriteRegisterBufferUshort(Register, Buffer, Count) WRITE_REGISTER_BUFFER_USHORT(Register, Buffer, Count)
#define ScsiPortWriteRegisterBufferUlong(Register, Buffer, Count) WRITE_REGISTER_BUFFER_ULONG(Register, Buffer, Count)
#define ScsiPortReadPortUchar(Port) READ_PORT_UCHAR(Port)
#define ScsiPortReadPortUshort(Port) READ_PORT_USHORT(Port)
#define ScsiPortReadPortUlong(Port) READ_PORT_ULONG(Port)
#define ScsiPortReadPortBufferUchar(Port, Buffer, Count) READ_PORT_BUFFER_UCHAR(Port, Buffer, Count)
#define ScsiPortReadPortBufferUshort(Port, Buffer, Count) READ_PORT_BUFFER_USHORT(Port, Buffer, Count)
#define ScsiPortReadPortBufferUlong(Port, Buffer, Count) READ_PORT_BUFFER_ULONG(Port, Buffer, Count)
#define ScsiPortWritePortUchar(Port, Value) WRITE_PORT_UCHAR(Port, Value)
#define ScsiPortWritePortUshort(Port, Value) WRITE_PORT_USHORT(Port, Value)
#define ScsiPortWritePortUlong(Port, Value) WRITE_PORT_ULONG(Port, Value)
#define ScsiPortWritePortBufferUchar(Port, Buffer, Count) WRITE_PORT_BUFFER_UCHAR(Port, Buffer, Count)
#define ScsiPortWritePortBufferUshort(Port, Buffer, Count) WRITE_PORT_BUFFER_USHORT(Port, Buffer, Count)
#define ScsiPortWritePortBufferUlong(Port, Buffer, Count) WRITE_PORT_BUFFER_ULONG(Port, Buffer, Count)
#if DBG
#define DebugPrint(x) ScsiDebugPrint x
#else
#define DebugPrint(x)
#endif
#endif

EXTERN_C_END

#endif
#endif
