/* The Storport interface for miniports of the Windows 8 kind: initialisation and configuration (LAY-31, LAY-32), both
 * request blocks (drydock_srb.h), the exported routines, and the routines that Windows' header expands in line over
 * StorPortNotification and StorPortExtendedFunction (LAY-58 to LAY-62). A documented routine whose function code no public
 * source gives is imported by its name; the host implements every documented name either way. */
#ifndef _NTSTORPORT_
#define _NTSTORPORT_

#include "drydock_srb.h"
#include "scsi.h"

#if !DRYDOCK_HOST && defined(DRYDOCK_SCSIPORT_DECLARED)
#error "include <storport.h> before <srb.h>: srb.h alone declares the SCSI Port interface"
#endif

EXTERN_C_START

#if DRYDOCK_HOST
#define STORPORT_API
#else
#define STORPORT_API DECLSPEC_IMPORT
#endif

typedef PMDL PSTOR_MDL;

#define STOR_MAP_NO_BUFFERS 0
#define STOR_MAP_ALL_BUFFERS 1
#define STOR_MAP_NON_READ_WRITE_BUFFERS 2

/* PORT_CONFIGURATION_INFORMATION.FeatureSupport (documented values) */
#define STOR_ADAPTER_FEATURE_DEVICE_TELEMETRY 0x00000001
#define STOR_ADAPTER_FEATURE_STOP_UNIT_DURING_POWER_DOWN 0x00000002
#define STOR_ADAPTER_UNCACHED_EXTENSION_NUMA_NODE_PREFERRED 0x00000004
#define STOR_ADAPTER_DMA_V3_PREFERRED 0x00000008
#define STOR_ADAPTER_FEATURE_ABORT_COMMAND 0x00000010
#define STOR_ADAPTER_FEATURE_RICH_TEMPERATURE_THRESHOLD 0x00000020
#define STOR_ADAPTER_DMA_ADDRESS_WIDTH_SPECIFIED 0x00000040

typedef enum _STOR_SYNCHRONIZATION_MODEL {
  StorSynchronizeHalfDuplex,
  StorSynchronizeFullDuplex
} STOR_SYNCHRONIZATION_MODEL;

typedef enum _INTERRUPT_SYNCHRONIZATION_MODE {
  InterruptSupportNone,
  InterruptSynchronizeAll,
  InterruptSynchronizePerMessage
} INTERRUPT_SYNCHRONIZATION_MODE;

typedef enum _STOR_SPINLOCK {
  DpcLock = 1,
  StartIoLock,
  InterruptLock,
  ThreadedDpcLock,
  DpcLevelLock
} STOR_SPINLOCK;

typedef struct _STOR_LOCK_HANDLE {
  STOR_SPINLOCK Lock;
  struct {
    struct {
      PVOID Next;
      PVOID Lock;
    } LockQueue;
    KIRQL OldIrql;
  } Context;
} STOR_LOCK_HANDLE, *PSTOR_LOCK_HANDLE;

typedef struct _MEMORY_REGION {
  PUCHAR VirtualBase;
  PHYSICAL_ADDRESS PhysicalBase;
  ULONG Length;
} MEMORY_REGION, *PMEMORY_REGION;

typedef struct _STOR_SCATTER_GATHER_ELEMENT {
  STOR_PHYSICAL_ADDRESS PhysicalAddress;
  ULONG Length;
  ULONG_PTR Reserved;
} STOR_SCATTER_GATHER_ELEMENT, *PSTOR_SCATTER_GATHER_ELEMENT;

typedef struct _STOR_SCATTER_GATHER_LIST {
  ULONG NumberOfElements;
  ULONG_PTR Reserved;
  STOR_SCATTER_GATHER_ELEMENT List[];
} STOR_SCATTER_GATHER_LIST, *PSTOR_SCATTER_GATHER_LIST;

typedef struct _STOR_DPC {
  KDPC Dpc;
  ULONG_PTR Lock;
} STOR_DPC, *PSTOR_DPC;

typedef struct _STOR_EVENT {
  DISPATCHER_HEADER Header;
} STOR_EVENT, *PSTOR_EVENT;

typedef struct _STOR_LIST_ENTRY {
  struct _STOR_LIST_ENTRY *Flink;
  struct _STOR_LIST_ENTRY *Blink;
} STOR_LIST_ENTRY, *PSTOR_LIST_ENTRY;

typedef SLIST_HEADER STOR_SLIST_HEADER, *PSTOR_SLIST_HEADER;
typedef SLIST_ENTRY STOR_SLIST_ENTRY, *PSTOR_SLIST_ENTRY;
typedef ULONG_PTR STOR_KSPIN_LOCK, *PSTOR_KSPIN_LOCK;

typedef struct _MESSAGE_INTERRUPT_INFORMATION {
  ULONG MessageId;
  ULONG MessageData;
  STOR_PHYSICAL_ADDRESS MessageAddress;
  ULONG InterruptVector;
  ULONG InterruptLevel;
  KINTERRUPT_MODE InterruptMode;
} MESSAGE_INTERRUPT_INFORMATION, *PMESSAGE_INTERRUPT_INFORMATION;

#define STOR_PERF_VERSION_2 0x2
#define STOR_PERF_VERSION_3 0x3
#define STOR_PERF_VERSION_4 0x4
#define STOR_PERF_VERSION_5 0x5
#define STOR_PERF_VERSION STOR_PERF_VERSION_5

typedef struct _PERF_CONFIGURATION_DATA {
  ULONG Version;
  ULONG Size;
  ULONG Flags;
  ULONG ConcurrentChannels;
  ULONG FirstRedirectionMessageNumber;
  ULONG LastRedirectionMessageNumber;
  ULONG DeviceNode;
  ULONG Reserved;
  PGROUP_AFFINITY MessageTargets;
} PERF_CONFIGURATION_DATA, *PPERF_CONFIGURATION_DATA;

typedef struct _STARTIO_PERFORMANCE_PARAMETERS {
  ULONG Version;
  ULONG Size;
  ULONG MessageNumber;
  ULONG ChannelNumber;
} STARTIO_PERFORMANCE_PARAMETERS, *PSTARTIO_PERFORMANCE_PARAMETERS;

typedef struct _STOR_UNIT_ATTRIBUTES {
  ULONG DeviceAttentionSupported : 1;
  ULONG AsyncNotificationSupported : 1;
  ULONG D3ColdNotSupported : 1;
  ULONG BypassIOSupported : 1;
  ULONG Reserved : 28;
} STOR_UNIT_ATTRIBUTES, *PSTOR_UNIT_ATTRIBUTES;

typedef struct _STOR_REQUEST_INFO_V1 {
  USHORT Version;
  USHORT Size;
  IO_PRIORITY_HINT PriorityHint;
  ULONG Flags;
  ULONG Key;
  ULONG Length;
  BOOLEAN IsWriteRequest;
  UCHAR Reserved[3];
} STOR_REQUEST_INFO_V1, *PSTOR_REQUEST_INFO_V1, STOR_REQUEST_INFO, *PSTOR_REQUEST_INFO;

typedef enum _STOR_EVENT_ASSOCIATION_ENUM {
  StorEventAdapterAssociation = 0,
  StorEventLunAssociation,
  StorEventTargetAssociation,
  StorEventInvalidAssociation
} STOR_EVENT_ASSOCIATION_ENUM;

typedef struct _STOR_LOG_EVENT_DETAILS {
  ULONG InterfaceRevision;
  ULONG Size;
  ULONG Flags;
  STOR_EVENT_ASSOCIATION_ENUM EventAssociation;
  ULONG PathId;
  ULONG TargetId;
  ULONG LunId;
  BOOLEAN StorportSpecificErrorCode;
  ULONG ErrorCode;
  ULONG UniqueId;
  ULONG DumpDataSize;
  PVOID DumpData;
  ULONG StringCount;
  PWSTR *StringList;
} STOR_LOG_EVENT_DETAILS, *PSTOR_LOG_EVENT_DETAILS;

/* Adapter and unit control parameters */
typedef struct _STOR_POWER_CONTROL_HEADER {
  ULONG Version;
  ULONG Size;
  PSTOR_ADDRESS Address;
} STOR_POWER_CONTROL_HEADER, *PSTOR_POWER_CONTROL_HEADER;

typedef struct _STOR_ADAPTER_CONTROL_POWER {
  STOR_POWER_CONTROL_HEADER Header;
  STOR_POWER_ACTION PowerAction;
  STOR_DEVICE_POWER_STATE PowerState;
} STOR_ADAPTER_CONTROL_POWER, *PSTOR_ADAPTER_CONTROL_POWER;

typedef struct _STOR_UNIT_CONTROL_POWER {
  PSTOR_ADDRESS Address;
  STOR_POWER_ACTION PowerAction;
  STOR_DEVICE_POWER_STATE PowerState;
} STOR_UNIT_CONTROL_POWER, *PSTOR_UNIT_CONTROL_POWER;

typedef struct _STOR_POFX_POWER_REQUIRED_CONTEXT {
  STOR_POWER_CONTROL_HEADER Header;
  BOOLEAN PowerRequired;
} STOR_POFX_POWER_REQUIRED_CONTEXT, *PSTOR_POFX_POWER_REQUIRED_CONTEXT;

typedef struct _STOR_POFX_ACTIVE_CONTEXT {
  STOR_POWER_CONTROL_HEADER Header;
  ULONG ComponentIndex;
  BOOLEAN Active;
} STOR_POFX_ACTIVE_CONTEXT, *PSTOR_POFX_ACTIVE_CONTEXT;

typedef struct _STOR_POFX_FSTATE_CONTEXT {
  STOR_POWER_CONTROL_HEADER Header;
  ULONG ComponentIndex;
  ULONG FState;
} STOR_POFX_FSTATE_CONTEXT, *PSTOR_POFX_FSTATE_CONTEXT;

typedef struct _STOR_POFX_UNIT_POWER_INFO {
  STOR_POWER_CONTROL_HEADER Header;
  BOOLEAN IdlePowerEnabled;
} STOR_POFX_UNIT_POWER_INFO, *PSTOR_POFX_UNIT_POWER_INFO;

typedef struct _STOR_SERIAL_NUMBER {
  ULONG Version;
  ULONG Size;
  BOOLEAN Unicode;
  CHAR SerialNumber[ANYSIZE_ARRAY];
} STOR_SERIAL_NUMBER, *PSTOR_SERIAL_NUMBER;

typedef enum _SCSI_UC_DEVICE_USAGE_TYPE {
  ScsiDeviceUsageTypeUndefined = 0,
  ScsiDeviceUsageTypePaging,
  ScsiDeviceUsageTypeHibernation,
  ScsiDeviceUsageTypeDumpFile,
  ScsiDeviceUsageTypeBoot
} SCSI_UC_DEVICE_USAGE_TYPE, *PSCSI_UC_DEVICE_USAGE_TYPE;

typedef struct _STOR_UC_DEVICE_USAGE {
  PSTOR_ADDRESS Address;
  SCSI_UC_DEVICE_USAGE_TYPE UsageType;
  BOOLEAN InUse;
} STOR_UC_DEVICE_USAGE, *PSTOR_UC_DEVICE_USAGE;

/* LAY-66 */
typedef enum _SCSI_UNIT_CONTROL_TYPE {
  ScsiQuerySupportedUnitControlTypes = 0,
  ScsiUnitUsage,
  ScsiUnitStart,
  ScsiUnitPower,
  ScsiUnitPoFxPowerInfo,
  ScsiUnitPoFxPowerRequired,
  ScsiUnitPoFxPowerActive,
  ScsiUnitPoFxPowerSetFState,
  ScsiUnitPoFxPowerControl,
  ScsiUnitRemove,
  ScsiUnitSurpriseRemoval,
  ScsiUnitRichDescription,
  ScsiUnitQueryBusType,
  ScsiUnitQueryFruId,
  ScsiUnitReportInternalData,
  ScsiUnitControlMax,
  MakeUnitControlTypeSizeOfUlong = (int)0xffffffff
} SCSI_UNIT_CONTROL_TYPE, *PSCSI_UNIT_CONTROL_TYPE;

typedef enum _SCSI_UNIT_CONTROL_STATUS {
  ScsiUnitControlSuccess = 0,
  ScsiUnitControlUnsuccessful
} SCSI_UNIT_CONTROL_STATUS, *PSCSI_UNIT_CONTROL_STATUS;

typedef enum _STORPORT_FEATURE_TYPE {
  StorportFeatureBusTypeUnitControl = 0,
  StorportFeatureFruIdUnitControl,
  StorportFeatureFruIdAdapterControl,
  StorportFeatureSetEventLoggingAdapterControl,
  StorportFeatureReportInternalDataUnitControl,
  StorportFeatureReportInternalDataAdapterControl,
  StorportFeatureResetBusSynchronous,
  StorportFeaturePostHwInitialize,
  StorportFeaturePrepareEarlyDumpData,
  StorportFeatureRestoreEarlyDumpData,
  StorportFeatureMax
} STORPORT_FEATURE_TYPE, *PSTORPORT_FEATURE_TYPE;

typedef enum _STORPORT_ETW_LEVEL {
  StorportEtwLevelLogAlways = 0,
  StorportEtwLevelCritical = 1,
  StorportEtwLevelError = 2,
  StorportEtwLevelWarning = 3,
  StorportEtwLevelInformational = 4,
  StorportEtwLevelVerbose = 5
} STORPORT_ETW_LEVEL, *PSTORPORT_ETW_LEVEL;

typedef enum _STORPORT_ETW_EVENT_OPCODE {
  StorportEtwEventOpcodeInfo = 0,
  StorportEtwEventOpcodeStart = 1,
  StorportEtwEventOpcodeStop = 2,
  StorportEtwEventOpcodeDC_Start = 3,
  StorportEtwEventOpcodeDC_Stop = 4,
  StorportEtwEventOpcodeExtension = 5,
  StorportEtwEventOpcodeReply = 6,
  StorportEtwEventOpcodeResume = 7,
  StorportEtwEventOpcodeSuspend = 8,
  StorportEtwEventOpcodeSend = 9,
  StorportEtwEventOpcodeReceive = 240
} STORPORT_ETW_EVENT_OPCODE, *PSTORPORT_ETW_EVENT_OPCODE;

typedef enum _STORPORT_ETW_EVENT_CHANNEL {
  StorportEtwEventDiagnostic = 0,
  StorportEtwEventOperational,
  StorportEtwEventHealth
} STORPORT_ETW_EVENT_CHANNEL, *PSTORPORT_ETW_EVENT_CHANNEL;

typedef enum _STOR_EVENT_TYPE { StorNotificationEvent, StorSynchronizationEvent } STOR_EVENT_TYPE;
typedef enum _STOR_THREAD_PRIORITY {
  StorThreadPriorityBackground,
  StorThreadPriorityNormal,
  StorThreadPriorityDelayed,
  StorThreadPriorityCritical,
  StorThreadPrioritySuperCritical,
  StorThreadPriorityHyperCritical,
  StorThreadPriorityRealTime
} STOR_THREAD_PRIORITY, *PSTOR_THREAD_PRIORITY;
typedef enum _STOR_DEVICE_RESET_TYPE {
  StorFunctionLevelReset,
  StorPlatformLevelReset,
  StorBusSpecificReset
} STOR_DEVICE_RESET_TYPE;
typedef USHORT NODE_REQUIREMENT_VALUE;
#ifndef MM_ANY_NODE_OK
#define MM_ANY_NODE_OK 0x80000000
#endif
typedef ULONG NODE_REQUIREMENT;

/* Runtime power management (PoFx) */
#define STOR_POFX_UNKNOWN_POWER 0xFFFFFFFF
#define STOR_POFX_UNKNOWN_TIME 0xFFFFFFFFFFFFFFFFULL
typedef struct _STOR_POFX_COMPONENT_IDLE_STATE {
  ULONG Version;
  ULONG Size;
  ULONGLONG TransitionLatency;
  ULONGLONG ResidencyRequirement;
  ULONG NominalPower;
} STOR_POFX_COMPONENT_IDLE_STATE, *PSTOR_POFX_COMPONENT_IDLE_STATE;

typedef struct _STOR_POFX_COMPONENT {
  ULONG Version;
  ULONG Size;
  ULONG FStateCount;
  ULONG DeepestWakeableFState;
  GUID Id;
  STOR_POFX_COMPONENT_IDLE_STATE FStates[ANYSIZE_ARRAY];
} STOR_POFX_COMPONENT, *PSTOR_POFX_COMPONENT;

typedef struct _STOR_POFX_DEVICE {
  ULONG Version;
  ULONG Size;
  ULONG ComponentCount;
  ULONG Flags;
  STOR_POFX_COMPONENT Components[ANYSIZE_ARRAY];
} STOR_POFX_DEVICE, *PSTOR_POFX_DEVICE;

typedef struct _STOR_DPC_WATCHDOG_INFORMATION {
  ULONG DpcTimeLimit;
  ULONG DpcTimeCount;
  ULONG DpcWatchdogLimit;
  ULONG DpcWatchdogCount;
  ULONG Reserved;
} STOR_DPC_WATCHDOG_INFORMATION, *PSTOR_DPC_WATCHDOG_INFORMATION;

typedef struct _STOR_GROUP_AFFINITY {
  ULONG_PTR Mask;
  USHORT Group;
  USHORT Reserved[3];
} STOR_GROUP_AFFINITY, *PSTOR_GROUP_AFFINITY;

/* LAY-32 */
typedef struct _PORT_CONFIGURATION_INFORMATION PORT_CONFIGURATION_INFORMATION, *PPORT_CONFIGURATION_INFORMATION;

typedef void NTAPI HW_DPC_ROUTINE(PSTOR_DPC Dpc, PVOID HwDeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2);
typedef HW_DPC_ROUTINE *PHW_DPC_ROUTINE;
typedef BOOLEAN NTAPI HW_PASSIVE_INITIALIZE_ROUTINE(PVOID DeviceExtension);
typedef HW_PASSIVE_INITIALIZE_ROUTINE *PHW_PASSIVE_INITIALIZE_ROUTINE;
typedef BOOLEAN NTAPI HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE(PVOID HwDeviceExtension, ULONG MessageId);
typedef HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE *PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE;
typedef BOOLEAN NTAPI HW_BUILDIO(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb);
typedef HW_BUILDIO *PHW_BUILDIO;
typedef BOOLEAN NTAPI STOR_SYNCHRONIZED_ACCESS(PVOID HwDeviceExtension, PVOID Context);
typedef STOR_SYNCHRONIZED_ACCESS *PSTOR_SYNCHRONIZED_ACCESS;
typedef ULONG NTAPI HW_FIND_ADAPTER(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                                    PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again);
typedef HW_FIND_ADAPTER *PHW_FIND_ADAPTER;
typedef ULONG NTAPI VIRTUAL_HW_FIND_ADAPTER(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PVOID LowerDevice,
                                            PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION ConfigInfo,
                                            PBOOLEAN Again);
typedef VIRTUAL_HW_FIND_ADAPTER *PVIRTUAL_HW_FIND_ADAPTER;
typedef void NTAPI HW_FREE_ADAPTER_RESOURCES(PVOID DeviceExtension);
typedef HW_FREE_ADAPTER_RESOURCES *PHW_FREE_ADAPTER_RESOURCES;
typedef void NTAPI HW_PROCESS_SERVICE_REQUEST(PVOID DeviceExtension, PVOID Irp);
typedef HW_PROCESS_SERVICE_REQUEST *PHW_PROCESS_SERVICE_REQUEST;
typedef void NTAPI HW_COMPLETE_SERVICE_IRP(PVOID DeviceExtension);
typedef HW_COMPLETE_SERVICE_IRP *PHW_COMPLETE_SERVICE_IRP;
typedef void NTAPI HW_INITIALIZE_TRACING(PVOID Arg1, PVOID Arg2);
typedef HW_INITIALIZE_TRACING *PHW_INITIALIZE_TRACING;
typedef void NTAPI HW_CLEANUP_TRACING(PVOID Arg1);
typedef HW_CLEANUP_TRACING *PHW_CLEANUP_TRACING;
typedef void NTAPI HW_TRACING_ENABLED(PVOID HwDeviceExtension, BOOLEAN Enabled);
typedef HW_TRACING_ENABLED *PHW_TRACING_ENABLED;
typedef SCSI_UNIT_CONTROL_STATUS NTAPI HW_UNIT_CONTROL(PVOID DeviceExtension, SCSI_UNIT_CONTROL_TYPE ControlType,
                                                       PVOID Parameters);
typedef HW_UNIT_CONTROL *PHW_UNIT_CONTROL;
typedef void NTAPI HW_STATE_CHANGE(PVOID HwDeviceExtension, PVOID Context, SHORT AddressType, PVOID Address, ULONG Status);
typedef HW_STATE_CHANGE *PHW_STATE_CHANGE;
typedef void NTAPI HW_TIMER_EX(PVOID HwDeviceExtension, PVOID Context);
typedef HW_TIMER_EX *PHW_TIMER_EX;
typedef void NTAPI HW_WORKITEM(PVOID HwDeviceExtension, PVOID Context, PVOID Worker);
typedef HW_WORKITEM *PHW_WORKITEM;
typedef void NTAPI HW_REGISTRY_NOTIFICATION_ROUTINE(PVOID HwDeviceExtension, PVOID Context);
typedef HW_REGISTRY_NOTIFICATION_ROUTINE *PHW_REGISTRY_NOTIFICATION_ROUTINE;
typedef void NTAPI STOR_THREAD_START_ROUTINE(PVOID StartContext);
typedef STOR_THREAD_START_ROUTINE *PSTOR_THREAD_START_ROUTINE;
typedef void NTAPI STOR_BUILD_SCATTER_GATHER_LIST_ROUTINE(PVOID DeviceObject, PVOID Irp,
                                                          PSTOR_SCATTER_GATHER_LIST ScatterGather, PVOID Context);
typedef STOR_BUILD_SCATTER_GATHER_LIST_ROUTINE *PpostScaterGatherExecute;

struct _PORT_CONFIGURATION_INFORMATION {
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
  PVOID MiniportDumpData;
  UCHAR NumberOfBuses;
  CCHAR InitiatorBusId[8];
  BOOLEAN ScatterGather;
  BOOLEAN Master;
  BOOLEAN CachesData;
  BOOLEAN AdapterScansDown;
  BOOLEAN AtdiskPrimaryClaimed;
  BOOLEAN AtdiskSecondaryClaimed;
  BOOLEAN Dma32BitAddresses;
  BOOLEAN DemandMode;
  UCHAR MapBuffers;
  BOOLEAN NeedPhysicalAddresses;
  BOOLEAN TaggedQueuing;
  BOOLEAN AutoRequestSense;
  BOOLEAN MultipleRequestPerLu;
  BOOLEAN ReceiveEvent;
  BOOLEAN RealModeInitialized;
  BOOLEAN BufferAccessScsiPortControlled;
  UCHAR MaximumNumberOfTargets;
  UCHAR SrbType;
  UCHAR AddressType;
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
  STOR_SYNCHRONIZATION_MODEL SynchronizationModel;
  PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE HwMSInterruptRoutine;
  INTERRUPT_SYNCHRONIZATION_MODE InterruptSynchronizationMode;
  MEMORY_REGION DumpRegion;
  ULONG RequestedDumpBufferSize;
  BOOLEAN VirtualDevice;
  UCHAR DumpMode;
  UCHAR DmaAddressWidth;
  ULONG ExtendedFlags1;
  ULONG MaxNumberOfIO;
  ULONG MaxIOsPerLun;
  ULONG InitialLunQueueDepth;
  ULONG BusResetHoldTime;
  ULONG FeatureSupport;
};

/* LAY-31. HwFindAdapter has two documented forms, for physical and for virtual adapters. */
typedef struct _HW_INITIALIZATION_DATA {
  ULONG HwInitializationDataSize;
  INTERFACE_TYPE AdapterInterfaceType;
  PHW_INITIALIZE HwInitialize;
  PHW_STARTIO HwStartIo;
  PHW_INTERRUPT HwInterrupt;
#if DRYDOCK_HOST || defined(__cplusplus)
  PHW_FIND_ADAPTER HwFindAdapter;
#else
  PVOID HwFindAdapter;
#endif
  PHW_RESET_BUS HwResetBus;
  PHW_DMA_STARTED HwDmaStarted;
  PHW_ADAPTER_STATE HwAdapterState;
  ULONG DeviceExtensionSize;
  ULONG SpecificLuExtensionSize;
  ULONG SrbExtensionSize;
  ULONG NumberOfAccessRanges;
  PVOID Reserved;
  UCHAR MapBuffers;
  BOOLEAN NeedPhysicalAddresses;
  BOOLEAN TaggedQueuing;
  BOOLEAN AutoRequestSense;
  BOOLEAN MultipleRequestPerLu;
  BOOLEAN ReceiveEvent;
  USHORT VendorIdLength;
  PVOID VendorId;
  union {
    USHORT ReservedUshort;
    USHORT PortVersionFlags;
  };
  USHORT DeviceIdLength;
  PVOID DeviceId;
  PHW_ADAPTER_CONTROL HwAdapterControl;
  PHW_BUILDIO HwBuildIo;
  PHW_FREE_ADAPTER_RESOURCES HwFreeAdapterResources;
  PHW_PROCESS_SERVICE_REQUEST HwProcessServiceRequest;
  PHW_COMPLETE_SERVICE_IRP HwCompleteServiceIrp;
  PHW_INITIALIZE_TRACING HwInitializeTracing;
  PHW_CLEANUP_TRACING HwCleanupTracing;
  PHW_TRACING_ENABLED HwTracingEnabled;
  ULONG FeatureSupport;
  ULONG SrbTypeFlags;
  ULONG AddressTypeFlags;
  ULONG Reserved1;
  PHW_UNIT_CONTROL HwUnitControl;
} HW_INITIALIZATION_DATA, *PHW_INITIALIZATION_DATA, VIRTUAL_HW_INITIALIZATION_DATA, *PVIRTUAL_HW_INITIALIZATION_DATA;

typedef struct _MINIPORT_DUMP_POINTERS {
  USHORT Version;
  USHORT Size;
  WCHAR DriverName[64];
  struct _ADAPTER_OBJECT *AdapterObject;
  PVOID MappedRegisterBase;
  ULONG CommonBufferSize;
  PVOID MiniportPrivateDumpData;
  ULONG SystemIoBusNumber;
  INTERFACE_TYPE AdapterInterfaceType;
  ULONG MaximumTransferLength;
  ULONG NumberOfPhysicalBreaks;
  ULONG AlignmentMask;
  ULONG NumberOfAccessRanges;
  ACCESS_RANGE (*AccessRanges)[];
  UCHAR NumberOfBuses;
  BOOLEAN Master;
  BOOLEAN MapBuffers;
  UCHAR MaximumNumberOfTargets;
} MINIPORT_DUMP_POINTERS, *PMINIPORT_DUMP_POINTERS;

/* LAY-60, LAY-61 */
typedef enum _STORPORT_FUNCTION_CODE {
  ExtFunctionAllocatePool = 0,
  ExtFunctionFreePool,
  ExtFunctionAllocateMdl,
  ExtFunctionFreeMdl,
  ExtFunctionBuildMdlForNonPagedPool,
  ExtFunctionGetSystemAddress,
  ExtFunctionGetOriginalMdl,
  ExtFunctionCompleteServiceIrp,
  ExtFunctionGetDeviceObjects,
  ExtFunctionBuildScatterGatherList,
  ExtFunctionPutScatterGatherList,
  ExtFunctionAcquireMSISpinLock,
  ExtFunctionReleaseMSISpinLock,
  ExtFunctionGetMessageInterruptInformation,
  ExtFunctionInitializePerformanceOptimizations,
  ExtFunctionGetStartIoPerformanceParameters,
  ExtFunctionLogSystemEvent,
  ExtFunctionGetCurrentProcessorNumber,
  ExtFunctionGetActiveGroupCount,
  ExtFunctionGetGroupAffinity,
  ExtFunctionGetActiveNodeCount,
  ExtFunctionGetNodeAffinity,
  ExtFunctionGetHighestNodeNumber,
  ExtFunctionGetLogicalProcessorRelationship,
  ExtFunctionAllocateContiguousMemorySpecifyCacheNode,
  ExtFunctionFreeContiguousMemorySpecifyCache,
  ExtFunctionSetPowerSettingNotificationGuids, /* 26; from here on confidence [1] */
  ExtFunctionInvokeAcpiMethod,
  ExtFunctionGetRequestInfo,
  ExtFunctionInitializeWorker,
  ExtFunctionQueueWorkItem,
  ExtFunctionFreeWorker,
  ExtFunctionInitializeTimer,
  ExtFunctionRequestTimer,
  ExtFunctionFreeTimer,
  ExtFunctionInitializeSListHead,
  ExtFunctionInterlockedFlushSList,
  ExtFunctionInterlockedPopEntrySList,
  ExtFunctionInterlockedPushEntrySList,
  ExtFunctionQueryDepthSList,
  ExtFunctionGetActivityId,
  ExtFunctionGetSystemPortNumber,
  ExtFunctionGetDataInBufferMdl,
  ExtFunctionGetDataInBufferSystemAddress,
  ExtFunctionGetDataInBufferScatterGatherList,
  ExtFunctionMarkDumpMemory,
  ExtFunctionSetUnitAttributes,
  ExtFunctionQueryPerformanceCounter,
  ExtFunctionInitializePoFxPower,
  ExtFunctionPoFxActivateComponent,
  ExtFunctionPoFxIdleComponent,
  ExtFunctionPoFxSetComponentLatency,
  ExtFunctionPoFxSetComponentResidency,
  ExtFunctionPoFxPowerControl,
  ExtFunctionFlushDataBufferMdl,
  ExtFunctionDeviceOperationAllowed,
  ExtFunctionGetProcessorIndexFromNumber,
  ExtFunctionPoFxSetIdleTimeout,
  ExtFunctionMiniportEtwEvent2,
  ExtFunctionMiniportEtwEvent4,
  ExtFunctionMiniportEtwEvent8,
  ExtFunctionCurrentOsInstallationUpgrade,
  ExtFunctionRegistryReadAdapterKey,
  ExtFunctionRegistryWriteAdapterKey,
  ExtFunctionSetAdapterBusType,
  ExtFunctionPoFxRegisterPerfStates,
  ExtFunctionPoFxSetPerfState,
  ExtFunctionGetD3ColdSupport,
  ExtFunctionInitializeRpmb,
  ExtFunctionAllocateHmb,
  ExtFunctionFreeHmb,
  ExtFunctionPropagateIrpExtension
} STORPORT_FUNCTION_CODE, *PSTORPORT_FUNCTION_CODE;

#include "drydock_storport_api.h"

EXTERN_C_END

#endif
