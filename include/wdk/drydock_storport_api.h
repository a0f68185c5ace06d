/* Storport's routines. First the exports, then the routines that expand in line. Included by storport.h. */
#ifndef DRYDOCK_WDK_STORPORT_API_H
#define DRYDOCK_WDK_STORPORT_API_H

#ifndef _NTSTORPORT_
#include "storport.h"
#else

STORPORT_API ULONG NTAPI StorPortInitialize(PVOID Argument1, PVOID Argument2,
                                            struct _HW_INITIALIZATION_DATA *HwInitializationData, PVOID HwContext);
STORPORT_API void NTAPI StorPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...);
STORPORT_API ULONG NTAPI StorPortExtendedFunction(STORPORT_FUNCTION_CODE FunctionCode, PVOID HwDeviceExtension, ...);
STORPORT_API void NTAPI StorPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress);
STORPORT_API ULONG NTAPI StorPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
                                            ULONG SlotNumber, PVOID Buffer, ULONG Length);
STORPORT_API ULONG NTAPI StorPortSetBusDataByOffset(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
                                                    ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length);
STORPORT_API PVOID NTAPI StorPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType, ULONG SystemIoBusNumber,
                                               STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes, BOOLEAN InIoSpace);
STORPORT_API PVOID NTAPI StorPortGetLogicalUnit(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
STORPORT_API PSCSI_REQUEST_BLOCK NTAPI StorPortGetSrb(PVOID DeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                                      LONG QueueTag);
STORPORT_API STOR_PHYSICAL_ADDRESS NTAPI StorPortGetPhysicalAddress(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
                                                                    PVOID VirtualAddress, ULONG *Length);
STORPORT_API PVOID NTAPI StorPortGetVirtualAddress(PVOID HwDeviceExtension, STOR_PHYSICAL_ADDRESS PhysicalAddress);
STORPORT_API PVOID NTAPI StorPortGetUncachedExtension(PVOID HwDeviceExtension, PPORT_CONFIGURATION_INFORMATION ConfigInfo,
                                                      ULONG NumberOfBytes);
STORPORT_API PSTOR_SCATTER_GATHER_LIST NTAPI StorPortGetScatterGatherList(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb);
STORPORT_API void NTAPI StorPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId, UCHAR TargetId,
                                         UCHAR Lun, ULONG ErrorCode, ULONG UniqueId);
STORPORT_API void NTAPI StorPortCompleteRequest(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                                UCHAR SrbStatus);
STORPORT_API void NTAPI StorPortMoveMemory(PVOID WriteBuffer, PVOID ReadBuffer, ULONG Length);
STORPORT_API void NTAPI StorPortStallExecution(ULONG Delay);
STORPORT_API BOOLEAN NTAPI StorPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType, ULONG SystemIoBusNumber,
                                                 STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes, BOOLEAN InIoSpace);
STORPORT_API ULONG NTAPI StorPortConvertPhysicalAddressToUlong(STOR_PHYSICAL_ADDRESS Address);
STORPORT_API STOR_PHYSICAL_ADDRESS NTAPI StorPortConvertUlongToPhysicalAddress(ULONG_PTR UlongAddress);
STORPORT_API void NTAPI StorPortQuerySystemTime(PLARGE_INTEGER CurrentTime);
STORPORT_API void NTAPI StorPortDebugPrint(ULONG DebugPrintLevel, PCCHAR DebugMessage, ...);
STORPORT_API BOOLEAN NTAPI StorPortPause(PVOID HwDeviceExtension, ULONG TimeOut);
STORPORT_API BOOLEAN NTAPI StorPortResume(PVOID HwDeviceExtension);
STORPORT_API BOOLEAN NTAPI StorPortPauseDevice(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                               ULONG TimeOut);
STORPORT_API BOOLEAN NTAPI StorPortResumeDevice(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
STORPORT_API BOOLEAN NTAPI StorPortBusy(PVOID HwDeviceExtension, ULONG RequestsToComplete);
STORPORT_API BOOLEAN NTAPI StorPortReady(PVOID HwDeviceExtension);
STORPORT_API BOOLEAN NTAPI StorPortDeviceBusy(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                              ULONG RequestsToComplete);
STORPORT_API BOOLEAN NTAPI StorPortDeviceReady(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
STORPORT_API BOOLEAN NTAPI StorPortSetDeviceQueueDepth(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                                       ULONG Depth);
STORPORT_API BOOLEAN NTAPI StorPortSynchronizeAccess(PVOID HwDeviceExtension,
                                                     PSTOR_SYNCHRONIZED_ACCESS SynchronizedAccessRoutine, PVOID Context);
STORPORT_API PUCHAR NTAPI StorPortAllocateRegistryBuffer(PVOID HwDeviceExtension, PULONG Length);
STORPORT_API void NTAPI StorPortFreeRegistryBuffer(PVOID HwDeviceExtension, PUCHAR Buffer);
STORPORT_API BOOLEAN NTAPI StorPortRegistryRead(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global, ULONG Type,
                                                PUCHAR Buffer, PULONG BufferLength);
STORPORT_API BOOLEAN NTAPI StorPortRegistryWrite(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global, ULONG Type,
                                                 PUCHAR Buffer, ULONG BufferLength);

STORPORT_API UCHAR NTAPI StorPortReadPortUchar(PVOID HwDeviceExtension, PUCHAR Port);
STORPORT_API USHORT NTAPI StorPortReadPortUshort(PVOID HwDeviceExtension, PUSHORT Port);
STORPORT_API ULONG NTAPI StorPortReadPortUlong(PVOID HwDeviceExtension, PULONG Port);
STORPORT_API void NTAPI StorPortReadPortBufferUchar(PVOID HwDeviceExtension, PUCHAR Port, PUCHAR Buffer, ULONG Count);
STORPORT_API void NTAPI StorPortReadPortBufferUshort(PVOID HwDeviceExtension, PUSHORT Port, PUSHORT Buffer, ULONG Count);
STORPORT_API void NTAPI StorPortReadPortBufferUlong(PVOID HwDeviceExtension, PULONG Port, PULONG Buffer, ULONG Count);
STORPORT_API void NTAPI StorPortWritePortUchar(PVOID HwDeviceExtension, PUCHAR Port, UCHAR Value);
STORPORT_API void NTAPI StorPortWritePortUshort(PVOID HwDeviceExtension, PUSHORT Port, USHORT Value);
STORPORT_API void NTAPI StorPortWritePortUlong(PVOID HwDeviceExtension, PULONG Port, ULONG Value);
STORPORT_API void NTAPI StorPortWritePortBufferUchar(PVOID HwDeviceExtension, PUCHAR Port, PUCHAR Buffer, ULONG Count);
STORPORT_API void NTAPI StorPortWritePortBufferUshort(PVOID HwDeviceExtension, PUSHORT Port, PUSHORT Buffer, ULONG Count);
STORPORT_API void NTAPI StorPortWritePortBufferUlong(PVOID HwDeviceExtension, PULONG Port, PULONG Buffer, ULONG Count);
STORPORT_API UCHAR NTAPI StorPortReadRegisterUchar(PVOID HwDeviceExtension, PUCHAR Register);
STORPORT_API USHORT NTAPI StorPortReadRegisterUshort(PVOID HwDeviceExtension, PUSHORT Register);
STORPORT_API ULONG NTAPI StorPortReadRegisterUlong(PVOID HwDeviceExtension, PULONG Register);
STORPORT_API void NTAPI StorPortReadRegisterBufferUchar(PVOID HwDeviceExtension, PUCHAR Register, PUCHAR Buffer,
                                                        ULONG Count);
STORPORT_API void NTAPI StorPortReadRegisterBufferUshort(PVOID HwDeviceExtension, PUSHORT Register, PUSHORT Buffer,
                                                         ULONG Count);
STORPORT_API void NTAPI StorPortReadRegisterBufferUlong(PVOID HwDeviceExtension, PULONG Register, PULONG Buffer,
                                                        ULONG Count);
STORPORT_API void NTAPI StorPortWriteRegisterUchar(PVOID HwDeviceExtension, PUCHAR Register, UCHAR Value);
STORPORT_API void NTAPI StorPortWriteRegisterUshort(PVOID HwDeviceExtension, PUSHORT Register, USHORT Value);
STORPORT_API void NTAPI StorPortWriteRegisterUlong(PVOID HwDeviceExtension, PULONG Register, ULONG Value);
STORPORT_API void NTAPI StorPortWriteRegisterBufferUchar(PVOID HwDeviceExtension, PUCHAR Register, PUCHAR Buffer,
                                                         ULONG Count);
STORPORT_API void NTAPI StorPortWriteRegisterBufferUshort(PVOID HwDeviceExtension, PUSHORT Register, PUSHORT Buffer,
                                                          ULONG Count);
STORPORT_API void NTAPI StorPortWriteRegisterBufferUlong(PVOID HwDeviceExtension, PULONG Register, PULONG Buffer,
                                                         ULONG Count);

/* Routines behind function codes that no admissible source gives (LAY-61): imported by name. */
STORPORT_API ULONG NTAPI StorPortAcquireSpinLockEx(PVOID HwDeviceExtension, STOR_SPINLOCK SpinLock, PVOID LockContext,
                                                   PSTOR_LOCK_HANDLE LockHandle);
STORPORT_API ULONG NTAPI StorPortCancelDpc(PVOID HwDeviceExtension, PSTOR_DPC Dpc, PBOOLEAN ReturnValue);
STORPORT_API ULONG NTAPI StorPortGetPfns(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID Mdl, PVOID *Pfns,
                                         PULONG PfnCount, PULONG StartingOffset);
STORPORT_API ULONG NTAPI StorPortUpdateAdapterMaxIO(PVOID HwDeviceExtension, ULONG MaxIoCount);
STORPORT_API ULONG NTAPI StorPortDelayExecution(PVOID HwDeviceExtension, ULONG DelayInMicroseconds);
STORPORT_API ULONG NTAPI StorPortAllocateDmaMemory(PVOID HwDeviceExtension, SIZE_T NumberOfBytes,
                                                   PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                   PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                   PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType,
                                                   NODE_REQUIREMENT PreferredNode, PVOID *BufferPointer,
                                                   PPHYSICAL_ADDRESS PhysicalAddress);
STORPORT_API ULONG NTAPI StorPortFreeDmaMemory(PVOID HwDeviceExtension, PVOID BaseAddress, SIZE_T NumberOfBytes,
                                               MEMORY_CACHING_TYPE CacheType, PHYSICAL_ADDRESS PhysicalAddress);
STORPORT_API ULONG NTAPI StorPortSetFeatureList(PVOID HwDeviceExtension, ULONG FeatureCount, PSTORPORT_FEATURE_TYPE FeatureList);
STORPORT_API ULONG NTAPI StorPortMaskMsixInterrupt(PVOID HwDeviceExtension, ULONG MessageId, BOOLEAN Mask);
STORPORT_API ULONG NTAPI StorPortHardwareReset(PVOID HwDeviceExtension, STOR_DEVICE_RESET_TYPE Type);
STORPORT_API ULONG NTAPI StorPortGetCurrentIrql(PVOID HwDeviceExtension, PKIRQL Irql);
STORPORT_API ULONG NTAPI StorPortInitializeEvent(PVOID HwDeviceExtension, PSTOR_EVENT Event, STOR_EVENT_TYPE Type,
                                                 BOOLEAN State);
STORPORT_API ULONG NTAPI StorPortSetEvent(PVOID HwDeviceExtension, PSTOR_EVENT Event);
STORPORT_API ULONG NTAPI StorPortWaitForSingleObject(PVOID HwDeviceExtension, PVOID Object, BOOLEAN Alertable,
                                                     PLARGE_INTEGER Timeout);
STORPORT_API ULONG NTAPI StorPortCreateSystemThread(PVOID HwDeviceExtension, PSTOR_THREAD_START_ROUTINE StartRoutine,
                                                    PVOID StartContext, PSTOR_THREAD_PRIORITY Priority,
                                                    PVOID *ThreadContext);
STORPORT_API ULONG NTAPI StorPortTerminateSystemThread(PVOID HwDeviceExtension, PVOID ThreadContext);
STORPORT_API ULONG NTAPI StorPortSetPriorityThread(PVOID HwDeviceExtension, PVOID ThreadContext,
                                                   STOR_THREAD_PRIORITY Priority);
STORPORT_API ULONG NTAPI StorPortSetSystemGroupAffinityThread(PVOID HwDeviceExtension, PVOID ThreadContext,
                                                              PSTOR_GROUP_AFFINITY Affinity,
                                                              PSTOR_GROUP_AFFINITY PreviousAffinity);
STORPORT_API ULONG NTAPI StorPortRevertToUserGroupAffinityThread(PVOID HwDeviceExtension, PVOID ThreadContext,
                                                                 PSTOR_GROUP_AFFINITY PreviousAffinity);
STORPORT_API ULONG NTAPI StorPortInitializeListHead(PVOID HwDeviceExtension, PSTOR_LIST_ENTRY ListHead);
STORPORT_API ULONG NTAPI StorPortInitializeSpinlock(PVOID HwDeviceExtension, PSTOR_KSPIN_LOCK Lock);
STORPORT_API ULONG NTAPI StorPortInterlockedInsertHeadList(PVOID HwDeviceExtension, PSTOR_LIST_ENTRY ListHead,
                                                           PSTOR_LIST_ENTRY ListEntry, PSTOR_LIST_ENTRY *Result,
                                                           PSTOR_KSPIN_LOCK Lock);
STORPORT_API ULONG NTAPI StorPortInterlockedInsertTailList(PVOID HwDeviceExtension, PSTOR_LIST_ENTRY ListHead,
                                                           PSTOR_LIST_ENTRY ListEntry, PSTOR_LIST_ENTRY *Result,
                                                           PSTOR_KSPIN_LOCK Lock);
STORPORT_API ULONG NTAPI StorPortInterlockedRemoveHeadList(PVOID HwDeviceExtension, PSTOR_LIST_ENTRY ListHead,
                                                           PSTOR_LIST_ENTRY *Result, PSTOR_KSPIN_LOCK Lock);
STORPORT_API ULONG NTAPI StorPortQueryDpcWatchdogInformation(PVOID HwDeviceExtension,
                                                             PSTOR_DPC_WATCHDOG_INFORMATION DpcWatchdogInformation);
STORPORT_API ULONG NTAPI StorPortQueryTimerMinInterval(PVOID HwDeviceExtension, PULONG TimerMinInterval);
STORPORT_API ULONG NTAPI StorPortSecureCopyMemory(PVOID Dest, SIZE_T DestSizeInBytes, PVOID Src, SIZE_T Count);
STORPORT_API ULONG NTAPI StorPortMarkDeviceFailed(PVOID HwDeviceExtension, PSTOR_ADDRESS StorAddress, ULONG Flags,
                                                  PWSTR FailReason);
STORPORT_API ULONG NTAPI StorPortEnableRegistryKeyNotification(PVOID HwDeviceExtension,
                                                               PHW_REGISTRY_NOTIFICATION_ROUTINE NotificationCallback);
STORPORT_API ULONG NTAPI StorPortGetMessageInterruptIDFromProcessorIndex(PVOID HwDeviceExtension, ULONG ProcessorIndex,
                                                                         PULONG MessageInterruptID);
STORPORT_API ULONG NTAPI StorPortGetNodeAffinity2(PVOID HwDeviceExtension, ULONG NodeNumber,
                                                  PSTOR_GROUP_AFFINITY GroupAffinities, USHORT GroupAffinitiesCount,
                                                  PUSHORT GroupAffinitiesCountRequired);

#if !DRYDOCK_HOST

#define StorPortCopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#define StorPortConvertPhysicalAddressToULongPtr(Address) ((ULONG_PTR)((Address).QuadPart))
#if DBG
#define DebugPrint(x) StorPortDebugPrint x
#else
#define DebugPrint(x)
#endif

/* 64-bit registers: plain moves. */
FORCEINLINE ULONG64 StorPortReadRegisterUlong64(PVOID HwDeviceExtension, PULONG64 Register) {
  (void)HwDeviceExtension;
  return READ_REGISTER_ULONG64(Register);
}
FORCEINLINE void StorPortWriteRegisterUlong64(PVOID HwDeviceExtension, PULONG64 Register, ULONG64 Value) {
  (void)HwDeviceExtension;
  WRITE_REGISTER_ULONG64(Register, Value);
}
FORCEINLINE void StorPortReadRegisterBufferUlong64(PVOID HwDeviceExtension, PULONG64 Register, PULONG64 Buffer, ULONG Count) {
  (void)HwDeviceExtension;
  READ_REGISTER_BUFFER_ULONG64(Register, Buffer, Count);
}
FORCEINLINE void StorPortWriteRegisterBufferUlong64(PVOID HwDeviceExtension, PULONG64 Register, PULONG64 Buffer, ULONG Count) {
  (void)HwDeviceExtension;
  WRITE_REGISTER_BUFFER_ULONG64(Register, Buffer, Count);
}

/* Over StorPortNotification */
FORCEINLINE BOOLEAN StorPortEnablePassiveInitialization(PVOID DeviceExtension,
                                                        PHW_PASSIVE_INITIALIZE_ROUTINE HwPassiveInitializeRoutine) {
  LONG succeeded = FALSE;
  StorPortNotification(EnablePassiveInitialization, DeviceExtension, HwPassiveInitializeRoutine, &succeeded);
  return (BOOLEAN)succeeded;
}
FORCEINLINE void StorPortInitializeDpc(PVOID DeviceExtension, PSTOR_DPC Dpc, PHW_DPC_ROUTINE HwDpcRoutine) {
  StorPortNotification(InitializeDpc, DeviceExtension, Dpc, HwDpcRoutine);
}
FORCEINLINE BOOLEAN StorPortIssueDpc(PVOID DeviceExtension, PSTOR_DPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2) {
  LONG queued = FALSE;
  StorPortNotification(IssueDpc, DeviceExtension, Dpc, SystemArgument1, SystemArgument2, &queued);
  return (BOOLEAN)queued;
}
FORCEINLINE void StorPortAcquireSpinLock(PVOID DeviceExtension, STOR_SPINLOCK SpinLock, PVOID LockContext,
                                         PSTOR_LOCK_HANDLE LockHandle) {
  StorPortNotification(AcquireSpinLock, DeviceExtension, SpinLock, LockContext, LockHandle);
}
FORCEINLINE void StorPortReleaseSpinLock(PVOID DeviceExtension, PSTOR_LOCK_HANDLE LockHandle) {
  StorPortNotification(ReleaseSpinLock, DeviceExtension, LockHandle);
}
FORCEINLINE ULONG StorPortStateChangeDetected(PVOID HwDeviceExtension, ULONG ChangedEntity, PSTOR_ADDRESS Address,
                                              ULONG Attributes, PHW_STATE_CHANGE HwStateChange,
                                              PVOID HwStateChangeContext) {
  ULONG status = STOR_STATUS_NOT_IMPLEMENTED;
  StorPortNotification(StateChangeDetectedCall, HwDeviceExtension, ChangedEntity, Address, Attributes, HwStateChange,
                       HwStateChangeContext, &status);
  return status;
}
FORCEINLINE ULONG StorPortAsyncNotificationDetected(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONGLONG Flags) {
  ULONG status = STOR_STATUS_NOT_IMPLEMENTED;
  StorPortNotification(AsyncNotificationDetected, HwDeviceExtension, Address, Flags, &status);
  return status;
}

/* Over StorPortExtendedFunction: each hands on its arguments in their documented order. */
FORCEINLINE ULONG StorPortAllocatePool(PVOID HwDeviceExtension, ULONG NumberOfBytes, ULONG Tag, PVOID *BufferPointer)
    {
  return StorPortExtendedFunction(ExtFunctionAllocatePool, HwDeviceExtension, NumberOfBytes, Tag, BufferPointer);
}
FORCEINLINE ULONG StorPortFreePool(PVOID HwDeviceExtension, PVOID BufferPointer) {
  return StorPortExtendedFunction(ExtFunctionFreePool, HwDeviceExtension, BufferPointer);
}
FORCEINLINE ULONG StorPortAllocateMdl(PVOID HwDeviceExtension, PVOID BufferPointer, ULONG NumberOfBytes, PVOID *Mdl) {
  return StorPortExtendedFunction(ExtFunctionAllocateMdl, HwDeviceExtension, BufferPointer, NumberOfBytes, Mdl);
}
FORCEINLINE ULONG StorPortFreeMdl(PVOID HwDeviceExtension, PVOID Mdl) {
  return StorPortExtendedFunction(ExtFunctionFreeMdl, HwDeviceExtension, Mdl);
}
FORCEINLINE ULONG StorPortBuildMdlForNonPagedPool(PVOID HwDeviceExtension, PVOID Mdl) {
  return StorPortExtendedFunction(ExtFunctionBuildMdlForNonPagedPool, HwDeviceExtension, Mdl);
}
FORCEINLINE ULONG StorPortGetSystemAddress(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID *SystemAddress) {
  return StorPortExtendedFunction(ExtFunctionGetSystemAddress, HwDeviceExtension, Srb, SystemAddress);
}
FORCEINLINE ULONG StorPortGetOriginalMdl(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID *Mdl) {
  return StorPortExtendedFunction(ExtFunctionGetOriginalMdl, HwDeviceExtension, Srb, Mdl);
}
FORCEINLINE ULONG StorPortCompleteServiceIrp(PVOID HwDeviceExtension, PVOID Irp) {
  return StorPortExtendedFunction(ExtFunctionCompleteServiceIrp, HwDeviceExtension, Irp);
}
FORCEINLINE ULONG StorPortGetDeviceObjects(PVOID HwDeviceExtension, PVOID *AdapterDeviceObject, PVOID
    *PhysicalDeviceObject, PVOID *LowerDeviceObject) {
  return StorPortExtendedFunction(ExtFunctionGetDeviceObjects, HwDeviceExtension, AdapterDeviceObject,
      PhysicalDeviceObject, LowerDeviceObject);
}
FORCEINLINE ULONG StorPortBuildScatterGatherList(PVOID HwDeviceExtension, PVOID Mdl, PVOID CurrentVa, ULONG Length,
    PpostScaterGatherExecute ExecutionRoutine, PVOID Context, BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer, ULONG
    ScatterGatherBufferLength) {
  return StorPortExtendedFunction(ExtFunctionBuildScatterGatherList, HwDeviceExtension, Mdl, CurrentVa, Length,
      ExecutionRoutine, Context, WriteToDevice, ScatterGatherBuffer, ScatterGatherBufferLength);
}
FORCEINLINE ULONG StorPortPutScatterGatherList(PVOID HwDeviceExtension, PSTOR_SCATTER_GATHER_LIST ScatterGatherList,
    BOOLEAN WriteToDevice) {
  return StorPortExtendedFunction(ExtFunctionPutScatterGatherList, HwDeviceExtension, ScatterGatherList,
      WriteToDevice);
}
FORCEINLINE ULONG StorPortAcquireMSISpinLock(PVOID HwDeviceExtension, ULONG MessageId, PULONG OldIrql) {
  return StorPortExtendedFunction(ExtFunctionAcquireMSISpinLock, HwDeviceExtension, MessageId, OldIrql);
}
FORCEINLINE ULONG StorPortReleaseMSISpinLock(PVOID HwDeviceExtension, ULONG MessageId, ULONG OldIrql) {
  return StorPortExtendedFunction(ExtFunctionReleaseMSISpinLock, HwDeviceExtension, MessageId, OldIrql);
}
FORCEINLINE ULONG StorPortGetMSIInfo(PVOID HwDeviceExtension, ULONG MessageId, PMESSAGE_INTERRUPT_INFORMATION
    InterruptInfo) {
  return StorPortExtendedFunction(ExtFunctionGetMessageInterruptInformation, HwDeviceExtension, MessageId,
      InterruptInfo);
}
FORCEINLINE ULONG StorPortInitializePerfOpts(PVOID HwDeviceExtension, BOOLEAN Query, PPERF_CONFIGURATION_DATA
    PerfConfigData) {
  return StorPortExtendedFunction(ExtFunctionInitializePerformanceOptimizations, HwDeviceExtension, Query,
      PerfConfigData);
}
FORCEINLINE ULONG StorPortGetStartIoPerfParams(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
    PSTARTIO_PERFORMANCE_PARAMETERS StartIoPerfParams) {
  return StorPortExtendedFunction(ExtFunctionGetStartIoPerformanceParameters, HwDeviceExtension, Srb,
      StartIoPerfParams);
}
FORCEINLINE ULONG StorPortLogSystemEvent(PVOID HwDeviceExtension, PSTOR_LOG_EVENT_DETAILS LogDetails, PULONG
    MaximumSize) {
  return StorPortExtendedFunction(ExtFunctionLogSystemEvent, HwDeviceExtension, LogDetails, MaximumSize);
}
FORCEINLINE ULONG StorPortGetCurrentProcessorNumber(PVOID HwDeviceExtension, PPROCESSOR_NUMBER ProcNumber) {
  return StorPortExtendedFunction(ExtFunctionGetCurrentProcessorNumber, HwDeviceExtension, ProcNumber);
}
FORCEINLINE ULONG StorPortGetActiveGroupCount(PVOID HwDeviceExtension, PUSHORT NumberGroups) {
  return StorPortExtendedFunction(ExtFunctionGetActiveGroupCount, HwDeviceExtension, NumberGroups);
}
FORCEINLINE ULONG StorPortGetGroupAffinity(PVOID HwDeviceExtension, USHORT GroupNumber, PKAFFINITY GroupAffinityMask)
    {
  return StorPortExtendedFunction(ExtFunctionGetGroupAffinity, HwDeviceExtension, GroupNumber, GroupAffinityMask);
}
FORCEINLINE ULONG StorPortGetActiveNodeCount(PVOID HwDeviceExtension, PULONG NumberNodes) {
  return StorPortExtendedFunction(ExtFunctionGetActiveNodeCount, HwDeviceExtension, NumberNodes);
}
FORCEINLINE ULONG StorPortGetNodeAffinity(PVOID HwDeviceExtension, ULONG NodeNumber, PGROUP_AFFINITY NodeAffinityMask)
    {
  return StorPortExtendedFunction(ExtFunctionGetNodeAffinity, HwDeviceExtension, NodeNumber, NodeAffinityMask);
}
FORCEINLINE ULONG StorPortGetHighestNodeNumber(PVOID HwDeviceExtension, PULONG HighestNode) {
  return StorPortExtendedFunction(ExtFunctionGetHighestNodeNumber, HwDeviceExtension, HighestNode);
}
FORCEINLINE ULONG StorPortGetLogicalProcessorRelationship(PVOID HwDeviceExtension, PPROCESSOR_NUMBER ProcessorNumber,
    LOGICAL_PROCESSOR_RELATIONSHIP RelationshipType, PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX Information, PULONG
    Length) {
  return StorPortExtendedFunction(ExtFunctionGetLogicalProcessorRelationship, HwDeviceExtension, ProcessorNumber,
      RelationshipType, Information, Length);
}
FORCEINLINE ULONG StorPortAllocateContiguousMemorySpecifyCacheNode(PVOID HwDeviceExtension, SIZE_T NumberOfBytes,
    PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress, PHYSICAL_ADDRESS
    BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType, NODE_REQUIREMENT PreferredNode, PVOID *BufferPointer) {
  return StorPortExtendedFunction(ExtFunctionAllocateContiguousMemorySpecifyCacheNode, HwDeviceExtension,
      NumberOfBytes, LowestAcceptableAddress, HighestAcceptableAddress, BoundaryAddressMultiple, CacheType,
      PreferredNode, BufferPointer);
}
FORCEINLINE ULONG StorPortFreeContiguousMemorySpecifyCache(PVOID HwDeviceExtension, PVOID BaseAddress, SIZE_T
    NumberOfBytes, MEMORY_CACHING_TYPE CacheType) {
  return StorPortExtendedFunction(ExtFunctionFreeContiguousMemorySpecifyCache, HwDeviceExtension, BaseAddress,
      NumberOfBytes, CacheType);
}
FORCEINLINE ULONG StorPortSetPowerSettingNotificationGuids(PVOID HwDeviceExtension, ULONG GuidCount, LPGUID Guid) {
  return StorPortExtendedFunction(ExtFunctionSetPowerSettingNotificationGuids, HwDeviceExtension, GuidCount, Guid);
}
FORCEINLINE ULONG StorPortInvokeAcpiMethod(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG MethodName, PVOID
    InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength, PULONG BytesReturned) {
  return StorPortExtendedFunction(ExtFunctionInvokeAcpiMethod, HwDeviceExtension, Address, MethodName, InputBuffer,
      InputBufferLength, OutputBuffer, OutputBufferLength, BytesReturned);
}
FORCEINLINE ULONG StorPortGetRequestInfo(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PSTOR_REQUEST_INFO
    RequestInfo) {
  return StorPortExtendedFunction(ExtFunctionGetRequestInfo, HwDeviceExtension, Srb, RequestInfo);
}
FORCEINLINE ULONG StorPortInitializeWorker(PVOID HwDeviceExtension, PVOID *Worker) {
  return StorPortExtendedFunction(ExtFunctionInitializeWorker, HwDeviceExtension, Worker);
}
FORCEINLINE ULONG StorPortQueueWorkItem(PVOID HwDeviceExtension, PHW_WORKITEM WorkItemCallback, PVOID Worker, PVOID
    Context) {
  return StorPortExtendedFunction(ExtFunctionQueueWorkItem, HwDeviceExtension, WorkItemCallback, Worker, Context);
}
FORCEINLINE ULONG StorPortFreeWorker(PVOID HwDeviceExtension, PVOID Worker) {
  return StorPortExtendedFunction(ExtFunctionFreeWorker, HwDeviceExtension, Worker);
}
FORCEINLINE ULONG StorPortInitializeTimer(PVOID HwDeviceExtension, PVOID *TimerHandle) {
  return StorPortExtendedFunction(ExtFunctionInitializeTimer, HwDeviceExtension, TimerHandle);
}
FORCEINLINE ULONG StorPortRequestTimer(PVOID HwDeviceExtension, PVOID TimerHandle, PHW_TIMER_EX TimerCallback, PVOID
    CallbackContext, ULONGLONG TimerValue, ULONGLONG TolerableDelay) {
  return StorPortExtendedFunction(ExtFunctionRequestTimer, HwDeviceExtension, TimerHandle, TimerCallback,
      CallbackContext, TimerValue, TolerableDelay);
}
FORCEINLINE ULONG StorPortFreeTimer(PVOID HwDeviceExtension, PVOID TimerHandle) {
  return StorPortExtendedFunction(ExtFunctionFreeTimer, HwDeviceExtension, TimerHandle);
}
FORCEINLINE ULONG StorPortInitializeSListHead(PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead) {
  return StorPortExtendedFunction(ExtFunctionInitializeSListHead, HwDeviceExtension, SListHead);
}
FORCEINLINE ULONG StorPortInterlockedFlushSList(PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead,
    PSTOR_SLIST_ENTRY *Result) {
  return StorPortExtendedFunction(ExtFunctionInterlockedFlushSList, HwDeviceExtension, SListHead, Result);
}
FORCEINLINE ULONG StorPortInterlockedPopEntrySList(PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead,
    PSTOR_SLIST_ENTRY *Result) {
  return StorPortExtendedFunction(ExtFunctionInterlockedPopEntrySList, HwDeviceExtension, SListHead, Result);
}
FORCEINLINE ULONG StorPortInterlockedPushEntrySList(PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead,
    PSTOR_SLIST_ENTRY SListEntry, PSTOR_SLIST_ENTRY *Result) {
  return StorPortExtendedFunction(ExtFunctionInterlockedPushEntrySList, HwDeviceExtension, SListHead, SListEntry,
      Result);
}
FORCEINLINE ULONG StorPortQueryDepthSList(PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead, PUSHORT Depth) {
  return StorPortExtendedFunction(ExtFunctionQueryDepthSList, HwDeviceExtension, SListHead, Depth);
}
FORCEINLINE ULONG StorPortGetActivityIdSrb(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, LPGUID ActivityId) {
  return StorPortExtendedFunction(ExtFunctionGetActivityId, HwDeviceExtension, Srb, ActivityId);
}
FORCEINLINE ULONG StorPortGetSystemPortNumber(PVOID HwDeviceExtension, PSTOR_ADDRESS Address) {
  return StorPortExtendedFunction(ExtFunctionGetSystemPortNumber, HwDeviceExtension, Address);
}
FORCEINLINE ULONG StorPortGetDataInBufferMdl(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID *Mdl) {
  return StorPortExtendedFunction(ExtFunctionGetDataInBufferMdl, HwDeviceExtension, Srb, Mdl);
}
FORCEINLINE ULONG StorPortGetDataInBufferSystemAddress(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID
    *SystemAddress) {
  return StorPortExtendedFunction(ExtFunctionGetDataInBufferSystemAddress, HwDeviceExtension, Srb, SystemAddress);
}
FORCEINLINE ULONG StorPortGetDataInBufferScatterGatherList(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
    PSTOR_SCATTER_GATHER_LIST *SgList) {
  return StorPortExtendedFunction(ExtFunctionGetDataInBufferScatterGatherList, HwDeviceExtension, Srb, SgList);
}
FORCEINLINE ULONG StorPortMarkDumpMemory(PVOID HwDeviceExtension, PVOID Address, ULONG_PTR Length, ULONG Flags) {
  return StorPortExtendedFunction(ExtFunctionMarkDumpMemory, HwDeviceExtension, Address, Length, Flags);
}
FORCEINLINE ULONG StorPortSetUnitAttributes(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, STOR_UNIT_ATTRIBUTES
    Attributes) {
  return StorPortExtendedFunction(ExtFunctionSetUnitAttributes, HwDeviceExtension, Address, Attributes);
}
FORCEINLINE ULONG StorPortQueryPerformanceCounter(PVOID HwDeviceExtension, PLARGE_INTEGER PerformanceFrequency,
    PLARGE_INTEGER PerformanceCounter) {
  return StorPortExtendedFunction(ExtFunctionQueryPerformanceCounter, HwDeviceExtension, PerformanceFrequency,
      PerformanceCounter);
}
FORCEINLINE ULONG StorPortInitializePoFxPower(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, PSTOR_POFX_DEVICE
    Device, PBOOLEAN D3ColdEnabled) {
  return StorPortExtendedFunction(ExtFunctionInitializePoFxPower, HwDeviceExtension, Address, Device,
      D3ColdEnabled);
}
FORCEINLINE ULONG StorPortPoFxActivateComponent(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, PSCSI_REQUEST_BLOCK
    Srb, ULONG Component, ULONG Flags) {
  return StorPortExtendedFunction(ExtFunctionPoFxActivateComponent, HwDeviceExtension, Address, Srb, Component,
      Flags);
}
FORCEINLINE ULONG StorPortPoFxIdleComponent(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, PSCSI_REQUEST_BLOCK Srb,
    ULONG Component, ULONG Flags) {
  return StorPortExtendedFunction(ExtFunctionPoFxIdleComponent, HwDeviceExtension, Address, Srb, Component, Flags);
}
FORCEINLINE ULONG StorPortPoFxSetComponentLatency(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG Component,
    ULONGLONG Latency) {
  return StorPortExtendedFunction(ExtFunctionPoFxSetComponentLatency, HwDeviceExtension, Address, Component,
      Latency);
}
FORCEINLINE ULONG StorPortPoFxSetComponentResidency(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG Component,
    ULONGLONG Residency) {
  return StorPortExtendedFunction(ExtFunctionPoFxSetComponentResidency, HwDeviceExtension, Address, Component,
      Residency);
}
FORCEINLINE ULONG StorPortPoFxPowerControl(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, LPCGUID PowerControlCode,
    PVOID InBuffer, SIZE_T InBufferSize, PVOID OutBuffer, SIZE_T OutBufferSize, PSIZE_T BytesReturned) {
  return StorPortExtendedFunction(ExtFunctionPoFxPowerControl, HwDeviceExtension, Address, PowerControlCode,
      InBuffer, InBufferSize, OutBuffer, OutBufferSize, BytesReturned);
}
FORCEINLINE ULONG StorPortFlushDataBufferMdl(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb) {
  return StorPortExtendedFunction(ExtFunctionFlushDataBufferMdl, HwDeviceExtension, Srb);
}
FORCEINLINE ULONG StorPortIsDeviceOperationAllowed(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, LPCGUID
    DeviceOperation, PULONG AllowedFlag) {
  return StorPortExtendedFunction(ExtFunctionDeviceOperationAllowed, HwDeviceExtension, Address, DeviceOperation,
      AllowedFlag);
}
FORCEINLINE ULONG StorPortGetProcessorIndexFromNumber(PVOID HwDeviceExtension, PPROCESSOR_NUMBER ProcNumber, PULONG
    ProcIndex) {
  return StorPortExtendedFunction(ExtFunctionGetProcessorIndexFromNumber, HwDeviceExtension, ProcNumber, ProcIndex);
}
FORCEINLINE ULONG StorPortPoFxSetIdleTimeout(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG IdleTimeoutInMS) {
  return StorPortExtendedFunction(ExtFunctionPoFxSetIdleTimeout, HwDeviceExtension, Address, IdleTimeoutInMS);
}
FORCEINLINE ULONG StorPortIsCurrentOsInstallationUpgrade(PVOID HwDeviceExtension, PBOOLEAN Upgraded) {
  return StorPortExtendedFunction(ExtFunctionCurrentOsInstallationUpgrade, HwDeviceExtension, Upgraded);
}
FORCEINLINE ULONG StorPortRegistryReadAdapterKey(PVOID HwDeviceExtension, PUCHAR SubKeyName, PUCHAR ValueName, ULONG
    ValueType, PVOID *ValueData, PULONG ValueDataLength) {
  return StorPortExtendedFunction(ExtFunctionRegistryReadAdapterKey, HwDeviceExtension, SubKeyName, ValueName,
      ValueType, ValueData, ValueDataLength);
}
FORCEINLINE ULONG StorPortRegistryWriteAdapterKey(PVOID HwDeviceExtension, PUCHAR SubKeyName, PUCHAR ValueName, ULONG
    ValueType, PVOID ValueData, ULONG ValueDataLength) {
  return StorPortExtendedFunction(ExtFunctionRegistryWriteAdapterKey, HwDeviceExtension, SubKeyName, ValueName,
      ValueType, ValueData, ValueDataLength);
}
FORCEINLINE ULONG StorPortSetAdapterBusType(PVOID HwDeviceExtension, ULONG BusType) {
  return StorPortExtendedFunction(ExtFunctionSetAdapterBusType, HwDeviceExtension, BusType);
}
FORCEINLINE ULONG StorPortPoFxSetPerfState(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG Component, ULONG
    Flags, ULONG SetIndex, ULONGLONG State, PVOID Context) {
  return StorPortExtendedFunction(ExtFunctionPoFxSetPerfState, HwDeviceExtension, Address, Component, Flags,
      SetIndex, State, Context);
}
FORCEINLINE ULONG StorPortGetD3ColdSupport(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, PBOOLEAN Supported) {
  return StorPortExtendedFunction(ExtFunctionGetD3ColdSupport, HwDeviceExtension, Address, Supported);
}
FORCEINLINE ULONG StorPortPropagateIrpExtension(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID Irp) {
  return StorPortExtendedFunction(ExtFunctionPropagateIrpExtension, HwDeviceExtension, Srb, Irp);
}
FORCEINLINE ULONG StorPortEtwEvent2(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG EventId, PWSTR
    EventDescription, ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel, STORPORT_ETW_EVENT_OPCODE EventOpcode,
    PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name, ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG
    Parameter2Value) {
  return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent2, HwDeviceExtension, Address, EventId,
      EventDescription, EventKeywords, EventLevel, EventOpcode, Srb, Parameter1Name, Parameter1Value,
      Parameter2Name, Parameter2Value);
}
FORCEINLINE ULONG StorPortEtwEvent4(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG EventId, PWSTR
    EventDescription, ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel, STORPORT_ETW_EVENT_OPCODE EventOpcode,
    PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name, ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG
    Parameter2Value, PWSTR Parameter3Name, ULONGLONG Parameter3Value, PWSTR Parameter4Name, ULONGLONG Parameter4Value)
    {
  return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent4, HwDeviceExtension, Address, EventId,
      EventDescription, EventKeywords, EventLevel, EventOpcode, Srb, Parameter1Name, Parameter1Value,
      Parameter2Name, Parameter2Value, Parameter3Name, Parameter3Value, Parameter4Name, Parameter4Value);
}
FORCEINLINE ULONG StorPortEtwEvent8(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG EventId, PWSTR
    EventDescription, ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel, STORPORT_ETW_EVENT_OPCODE EventOpcode,
    PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name, ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG
    Parameter2Value, PWSTR Parameter3Name, ULONGLONG Parameter3Value, PWSTR Parameter4Name, ULONGLONG Parameter4Value,
    PWSTR Parameter5Name, ULONGLONG Parameter5Value, PWSTR Parameter6Name, ULONGLONG Parameter6Value, PWSTR
    Parameter7Name, ULONGLONG Parameter7Value, PWSTR Parameter8Name, ULONGLONG Parameter8Value) {
  return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent8, HwDeviceExtension, Address, EventId,
      EventDescription, EventKeywords, EventLevel, EventOpcode, Srb, Parameter1Name, Parameter1Value,
      Parameter2Name, Parameter2Value, Parameter3Name, Parameter3Value, Parameter4Name, Parameter4Value,
      Parameter5Name, Parameter5Value, Parameter6Name, Parameter6Value, Parameter7Name, Parameter7Value,
      Parameter8Name, Parameter8Value);
}

#endif

#endif
#endif
