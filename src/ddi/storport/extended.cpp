// StorPortExtendedFunction: one variadic export, a code for each service. DOC: LAY-60 LAY-61 LAY-62 ST-196: a code that
// is not served answers STOR_STATUS_NOT_IMPLEMENTED, which is how miniports probe for newer systems. Every service is a
// row as well, for those that import it by name; some have no public code.

#include <array>

#include "ddi/modules.h"
#include "ddi/storport/bodies.h"
#include "ddi/storport/support.h"
#include "ddi/varargs.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "storport.sys";
constexpr unsigned kCodes = 128;
constexpr unsigned kNoCode = ~0u;
// Too high an IRQL is answered with STOR_STATUS_INVALID_IRQL, and is a finding by the row's ceiling besides.
constexpr Irql kLow = kDispatchLevel;

struct Service {
  unsigned code;
  Row row;
  ULONG (*run)(Call&, void* ext, __builtin_ms_va_list& arguments);
};

template <RoutineName Name, Irql IrqlMax, auto Body>
Service service(unsigned code, const char* page, Coverage coverage = Coverage::full, const char* note = "") {
  return {code, routine<Name, IrqlMax, Body>(kModule, page, coverage, note),
          [](Call& call, void* ext, __builtin_ms_va_list& arguments) { return spread(call, ext, arguments, Body); }};
}

ULONG answer_not_implemented(Call& call, void* ext) { return call.adapter(ext) == nullptr ? kInvalidParameter : kNotImplemented; }

template <RoutineName Name>
Row refused(const char* page) {
  return routine<Name, kAnyIrql, &answer_not_implemented>(kModule, page, Coverage::partial, "answers STOR_STATUS_NOT_IMPLEMENTED");
}

std::vector<Service> memory_services() {
  return {
      service<"StorPortAllocatePool", kLow, &allocate_pool>(ExtFunctionAllocatePool, "nf-storport-storportallocatepool"),
      service<"StorPortFreePool", kLow, &free_pool>(ExtFunctionFreePool, "nf-storport-storportfreepool"),
      service<"StorPortAllocateMdl", kLow, &allocate_mdl>(ExtFunctionAllocateMdl, "nf-storport-storportallocatemdl"),
      service<"StorPortFreeMdl", kLow, &free_mdl>(ExtFunctionFreeMdl, "nf-storport-storportfreemdl"),
      service<"StorPortBuildMdlForNonPagedPool", kLow, &build_mdl_for_nonpaged_pool>(ExtFunctionBuildMdlForNonPagedPool, "nf-storport-storportbuildmdlfornonpagedpool"),
      service<"StorPortAllocateContiguousMemorySpecifyCacheNode", kLow, &allocate_contiguous>(ExtFunctionAllocateContiguousMemorySpecifyCacheNode, "nf-storport-storportallocatecontiguousmemoryspecifycachenode"),
      service<"StorPortFreeContiguousMemorySpecifyCache", kAnyIrql, &free_contiguous>(ExtFunctionFreeContiguousMemorySpecifyCache, "nf-storport-storportfreecontiguousmemoryspecifycache"),
      service<"StorPortMarkDumpMemory", kAnyIrql, &mark_dump_memory>(ExtFunctionMarkDumpMemory, "nf-storport-storportmarkdumpmemory", Coverage::partial, "no crash dump is written"),
  };
}

std::vector<Service> request_services() {
  return {
      service<"StorPortGetSystemAddress", kLow, &get_system_address>(ExtFunctionGetSystemAddress, "nf-storport-storportgetsystemaddress"),
      service<"StorPortGetOriginalMdl", kAnyIrql, &get_original_mdl>(ExtFunctionGetOriginalMdl, "nf-storport-storportgetoriginalmdl"),
      service<"StorPortGetStartIoPerfParams", kAnyIrql, &get_start_io_perf_params>(ExtFunctionGetStartIoPerformanceParameters, "nf-storport-storportgetstartioperfparams"),
      service<"StorPortGetRequestInfo", kAnyIrql, &get_request_info>(ExtFunctionGetRequestInfo, "nf-storport-storportgetrequestinfo", Coverage::partial, "no client sets priority, key or flags"),
      service<"StorPortGetActivityIdSrb", kAnyIrql, &get_activity_id>(ExtFunctionGetActivityId, "nf-storport-storportgetactivityidsrb", Coverage::partial, "no request has an activity ID"),
      service<"StorPortGetDataInBufferMdl", kAnyIrql, &get_data_in_buffer>(ExtFunctionGetDataInBufferMdl, "nf-storport-storportgetdatainbuffermdl", Coverage::partial, "no request is bidirectional"),
      service<"StorPortGetDataInBufferSystemAddress", kLow, &get_data_in_buffer>(ExtFunctionGetDataInBufferSystemAddress, "nf-storport-storportgetdatainbuffersystemaddress", Coverage::partial, "no request is bidirectional"),
      service<"StorPortGetDataInBufferScatterGatherList", kAnyIrql, &get_data_in_buffer>(ExtFunctionGetDataInBufferScatterGatherList, "nf-storport-storportgetdatainbufferscattergatherlist", Coverage::partial, "no request is bidirectional"),
  };
}

std::vector<Service> list_building_services() {
  return {
      service<"StorPortBuildScatterGatherList", kLow, &build_scatter_gather_list>(ExtFunctionBuildScatterGatherList, "nf-storport-storportbuildscattergatherlist"),
      service<"StorPortPutScatterGatherList", kLow, &put_scatter_gather_list>(ExtFunctionPutScatterGatherList, "nf-storport-storportputscattergatherlist"),
  };
}

std::vector<Service> thread_services() {
  const char* no_priority = "threads take turns by the seed: priority changes nothing";
  return {
      service<"StorPortInitializeEvent", kAnyIrql, &initialize_event>(kNoCode, "nf-storport-storportinitializeevent"),
      service<"StorPortSetEvent", kLow, &set_event>(kNoCode, "nf-storport-storportsetevent"),
      service<"StorPortWaitForSingleObject", kLow, &wait_for_single_object>(kNoCode, "nf-storport-storportwaitforsingleobject", Coverage::partial, "events of Storport and threads of the adapter; not alertable"),
      service<"StorPortCreateSystemThread", kAnyIrql, &create_system_thread>(kNoCode, "nf-storport-storportcreatesystemthread", Coverage::partial, no_priority),
      service<"StorPortTerminateSystemThread", kAnyIrql, &terminate_system_thread>(kNoCode, "nf-storport-storportterminatesystemthread"),
      service<"StorPortSetPriorityThread", kAnyIrql, &set_priority_thread>(kNoCode, "nf-storport-storportsetprioritythread", Coverage::partial, no_priority),
  };
}

std::vector<Service> interrupt_services() {
  return {
      service<"StorPortAcquireMSISpinLock", kAnyIrql, &acquire_msi_lock>(ExtFunctionAcquireMSISpinLock, "nf-storport-storportacquiremsispinlock"),
      service<"StorPortReleaseMSISpinLock", kAnyIrql, &release_msi_lock>(ExtFunctionReleaseMSISpinLock, "nf-storport-storportreleasemsispinlock"),
      service<"StorPortGetMSIInfo", kAnyIrql, &get_msi_info>(ExtFunctionGetMessageInterruptInformation, "nf-storport-storportgetmsiinfo"),
      service<"StorPortInitializePerfOpts", kAnyIrql, &initialize_perf_opts>(ExtFunctionInitializePerformanceOptimizations, "nf-storport-storportinitializeperfopts"),
      service<"StorPortCancelDpc", kAnyIrql, &cancel_dpc>(kNoCode, "nf-storport-storportcanceldpc"),
      service<"StorPortAcquireSpinLockEx", kAnyIrql, &acquire_spin_lock_ex>(kNoCode, "nf-storport-storportacquirespinlockex"),
      service<"StorPortGetMessageInterruptIDFromProcessorIndex", kAnyIrql, &get_message_of_processor>(kNoCode, "nf-storport-storportgetmessageinterruptidfromprocessorindex"),
      service<"StorPortQueryDpcWatchdogInformation", kAnyIrql, &query_dpc_watchdog>(kNoCode, "nf-storport-storportquerydpcwatchdoginformation", Coverage::partial, "no DPC times out"),
  };
}

std::vector<Service> processor_services() {
  return {
      service<"StorPortGetCurrentProcessorNumber", kLow, &get_current_processor_number>(ExtFunctionGetCurrentProcessorNumber, "nf-storport-storportgetcurrentprocessornumber"),
      service<"StorPortGetActiveGroupCount", kAnyIrql, &get_active_group_count>(ExtFunctionGetActiveGroupCount, "nf-storport-storportgetactivegroupcount"),
      service<"StorPortGetGroupAffinity", kAnyIrql, &get_group_affinity>(ExtFunctionGetGroupAffinity, "nf-storport-storportgetgroupaffinity"),
      service<"StorPortGetActiveNodeCount", kAnyIrql, &get_active_node_count>(ExtFunctionGetActiveNodeCount, "nf-storport-storportgetactivenodecount"),
      service<"StorPortGetNodeAffinity", kAnyIrql, &get_node_affinity>(ExtFunctionGetNodeAffinity, "nf-storport-storportgetnodeaffinity"),
      service<"StorPortGetHighestNodeNumber", kAnyIrql, &get_highest_node_number>(ExtFunctionGetHighestNodeNumber, "nf-storport-storportgethighestnodenumber"),
      service<"StorPortGetProcessorIndexFromNumber", kAnyIrql, &get_processor_index>(ExtFunctionGetProcessorIndexFromNumber, "nf-wdm-kegetprocessorindexfromnumber"),
      service<"StorPortGetNodeAffinity2", kAnyIrql, &get_node_affinity2>(kNoCode, "nf-storport-storportgetnodeaffinity2"),
      service<"StorPortGetCurrentIrql", kAnyIrql, &get_current_irql_status>(kNoCode, "nf-storport-storportgetcurrentirql"),
  };
}

std::vector<Service> deferred_services() {
  return {
      service<"StorPortInitializeWorker", kLow, &initialize_worker>(ExtFunctionInitializeWorker, "nf-storport-storportinitializeworker"),
      service<"StorPortQueueWorkItem", kLow, &queue_work_item>(ExtFunctionQueueWorkItem, "nf-storport-storportqueueworkitem"),
      service<"StorPortFreeWorker", kLow, &free_worker>(ExtFunctionFreeWorker, "nf-storport-storportfreeworker"),
      service<"StorPortInitializeTimer", kLow, &initialize_timer>(ExtFunctionInitializeTimer, "nf-storport-storportinitializetimer"),
      service<"StorPortRequestTimer", kAnyIrql, &request_timer>(ExtFunctionRequestTimer, "nf-storport-storportrequesttimer"),
      service<"StorPortFreeTimer", kLow, &free_timer>(ExtFunctionFreeTimer, "nf-storport-storportfreetimer"),
      service<"StorPortQueryPerformanceCounter", kAnyIrql, &query_performance_counter>(ExtFunctionQueryPerformanceCounter, "nf-storport-storportqueryperformancecounter"),
      service<"StorPortQueryTimerMinInterval", kAnyIrql, &query_timer_min_interval>(kNoCode, "nf-storport-storportquerytimermininterval"),
      service<"StorPortDelayExecution", kAnyIrql, &delay_execution>(kNoCode, "nf-storport-storportdelayexecution"),
  };
}

std::vector<Service> list_services() {
  return {
      service<"StorPortInitializeSListHead", kAnyIrql, &initialize_slist_head>(ExtFunctionInitializeSListHead, "nf-storport-storportinitializeslisthead"),
      service<"StorPortInterlockedFlushSList", kLow, &flush_slist>(ExtFunctionInterlockedFlushSList, "nf-storport-storportinterlockedflushslist"),
      service<"StorPortInterlockedPopEntrySList", kLow, &pop_slist>(ExtFunctionInterlockedPopEntrySList, "nf-storport-storportinterlockedpopentryslist"),
      service<"StorPortInterlockedPushEntrySList", kLow, &push_slist>(ExtFunctionInterlockedPushEntrySList, "nf-storport-storportinterlockedpushentryslist"),
      service<"StorPortQueryDepthSList", kLow, &query_depth_slist>(ExtFunctionQueryDepthSList, "nf-storport-storportquerydepthslist"),
      service<"StorPortInitializeSpinlock", kAnyIrql, &initialize_spin_word>(kNoCode, "nf-storport-storportinitializespinlock"),
      service<"StorPortInitializeListHead", kAnyIrql, &initialize_list_head>(kNoCode, "nf-storport-storportinitializelisthead"),
      service<"StorPortInterlockedInsertHeadList", kAnyIrql, &insert_head_list>(kNoCode, "nf-storport-storportinterlockedinsertheadlist"),
      service<"StorPortInterlockedInsertTailList", kAnyIrql, &insert_tail_list>(kNoCode, "nf-storport-storportinterlockedinserttaillist"),
      service<"StorPortInterlockedRemoveHeadList", kAnyIrql, &remove_head_list>(kNoCode, "nf-storport-storportinterlockedremoveheadlist"),
  };
}

std::vector<Service> unit_services() {
  return {
      service<"StorPortLogSystemEvent", kLow, &log_system_event>(ExtFunctionLogSystemEvent, "nf-storport-storportlogsystemevent", Coverage::partial, "told in the debug output, without dump data and strings"),
      service<"StorPortGetSystemPortNumber", kAnyIrql, &get_system_port_number>(ExtFunctionGetSystemPortNumber, "nf-storport-storportgetsystemportnumber"),
      service<"StorPortRegistryReadAdapterKey", kPassiveLevel, &registry_read_adapter_key>(ExtFunctionRegistryReadAdapterKey, "nf-storport-storportregistryreadadapterkey"),
      service<"StorPortRegistryWriteAdapterKey", kPassiveLevel, &registry_write_adapter_key>(ExtFunctionRegistryWriteAdapterKey, "nf-storport-storportregistrywriteadapterkey"),
      service<"StorPortSetAdapterBusType", kAnyIrql, &set_adapter_bus_type>(ExtFunctionSetAdapterBusType, "nf-storport-storportsetadapterbustype", Coverage::partial, "checked; no client asks for the type of the bus"),
      service<"StorPortUpdateAdapterMaxIO", kAnyIrql, &update_adapter_max_io>(kNoCode, "nf-storport-storportupdateadaptermaxio"),
      service<"StorPortSetFeatureList", kAnyIrql, &set_feature_list>(kNoCode, "nf-storport-storportsetfeaturelist", Coverage::partial, "checked; the control types it declares are not issued"),
      service<"StorPortSetUnitAttributes", kAnyIrql, &set_unit_attributes>(ExtFunctionSetUnitAttributes, "nf-storport-storportsetunitattributes", Coverage::partial, "nothing asks the unit for what it declares"),
      service<"StorPortIsCurrentOsInstallationUpgrade", kPassiveLevel, &is_installation_upgrade>(ExtFunctionCurrentOsInstallationUpgrade, "nf-storport-storportiscurrentosinstallationupgrade"),
      service<"StorPortMarkDeviceFailed", kAnyIrql, &mark_device_failed>(kNoCode, "nf-storport-storportmarkdevicefailed", Coverage::partial, "a device is not removed"),
      service<"StorPortGetPfns", kAnyIrql, &get_pfns>(kNoCode, "nf-storport-storportgetpfns", Coverage::partial, "only the MDL of StorPortGetOriginalMdl"),
  };
}

const std::vector<Service>& services() {
  static const std::vector<Service> all = [] {
    std::vector<Service> list;
    for (const auto& part : {memory_services(), request_services(), list_building_services(), interrupt_services(), processor_services(), thread_services(),
                             deferred_services(), list_services(), unit_services()})
      list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

const Service* service_of(unsigned code) {
  static const std::array<const Service*, kCodes> by_code = [] {
    std::array<const Service*, kCodes> table{};
    for (const Service& each : services())
      if (each.code < kCodes) table[each.code] = &each;
    return table;
  }();
  return code < kCodes ? by_code[code] : nullptr;
}

ULONG dispatch(Call& call, unsigned code, void* ext, __builtin_ms_va_list& arguments) {
  const Service* wanted = service_of(code);
  if (wanted == nullptr) {
    call.kernel().debug_print(fmt::format("StorPortExtendedFunction({}) is not implemented", code));
    return kNotImplemented;
  }
  call.becomes(wanted->row.name, wanted->row.irql_max);
  return wanted->run(call, ext, arguments);
}

MSABI ULONG extended_function(ULONG code, void* ext, ...) noexcept {
  Call call("StorPortExtendedFunction", kAnyIrql, __builtin_frame_address(0));
  __builtin_ms_va_list arguments;
  __builtin_ms_va_start(arguments, ext);
  const ULONG status = dispatch(call, code, ext, arguments);
  __builtin_ms_va_end(arguments);
  return status;
}

}  // namespace

std::vector<Row> storport_extended_rows() {
  std::vector<Row> rows{
      raw_routine("StorPortExtendedFunction", kModule, reinterpret_cast<const void*>(&extended_function), kAnyIrql,
                  "storport-event-log-extensions", Coverage::partial, "codes that are not served answer STOR_STATUS_NOT_IMPLEMENTED"),
      routine<"StorPortAllocateDmaMemory", kAnyIrql, &allocate_dma_memory>(kModule, "nf-storport-storportallocatedmamemory"),
      routine<"StorPortFreeDmaMemory", kAnyIrql, &free_dma_memory>(kModule, "nf-storport-storportfreedmamemory"),
      routine<"StorPortSecureCopyMemory", kAnyIrql, &secure_copy_memory>(kModule, "nf-storport-storportsecurecopymemory"),
      refused<"StorPortSetSystemGroupAffinityThread">("nf-storport-storportsetsystemgroupaffinitythread"),
      refused<"StorPortRevertToUserGroupAffinityThread">("nf-storport-storportreverttousergroupaffinitythread"),
      refused<"StorPortMaskMsixInterrupt">("nf-storport-storportmaskmsixinterrupt"),
      refused<"StorPortHardwareReset">("nf-storport-storporthardwarereset"),
      refused<"StorPortEnableRegistryKeyNotification">("nf-storport-storportenableregistrykeynotification"),
  };
  for (const Service& each : services()) rows.push_back(each.row);
  return rows;
}

}  // namespace drydock::ddi
