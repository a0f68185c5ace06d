// StorPortExtendedFunction: one variadic export, a code for each service. DOC: LAY-60 LAY-61 LAY-62 ST-196: a code that
// is not served answers STOR_STATUS_NOT_IMPLEMENTED, which is how miniports probe for newer systems.

#include "ddi/modules.h"
#include "ddi/storport/bodies.h"
#include "ddi/varargs.h"

namespace drydock::ddi {

namespace {

ULONG dispatch(Call& call, unsigned code, void* ext, __builtin_ms_va_list& arguments) {
  const auto to = [&](auto body) { return spread(call, ext, arguments, body); };
  switch (code) {
    case ExtFunctionAllocatePool: return to(allocate_pool);
    case ExtFunctionFreePool: return to(free_pool);
    case ExtFunctionAllocateMdl: return to(allocate_mdl);
    case ExtFunctionFreeMdl: return to(free_mdl);
    case ExtFunctionBuildMdlForNonPagedPool: return to(build_mdl_for_nonpaged_pool);
    case ExtFunctionGetSystemAddress: return to(get_system_address);
    case ExtFunctionGetOriginalMdl: return to(get_original_mdl);
    case ExtFunctionAcquireMSISpinLock: return to(acquire_msi_lock);
    case ExtFunctionReleaseMSISpinLock: return to(release_msi_lock);
    case ExtFunctionGetMessageInterruptInformation: return to(get_msi_info);
    case ExtFunctionInitializePerformanceOptimizations: return to(initialize_perf_opts);
    case ExtFunctionGetStartIoPerformanceParameters: return to(get_start_io_perf_params);
    case ExtFunctionLogSystemEvent: return to(log_system_event);
    case ExtFunctionGetCurrentProcessorNumber: return to(get_current_processor_number);
    case ExtFunctionGetActiveGroupCount: return to(get_active_group_count);
    case ExtFunctionGetGroupAffinity: return to(get_group_affinity);
    case ExtFunctionGetActiveNodeCount: return to(get_active_node_count);
    case ExtFunctionGetNodeAffinity: return to(get_node_affinity);
    case ExtFunctionGetHighestNodeNumber: return to(get_highest_node_number);
    case ExtFunctionAllocateContiguousMemorySpecifyCacheNode: return to(allocate_contiguous);
    case ExtFunctionFreeContiguousMemorySpecifyCache: return to(free_contiguous);
    case ExtFunctionInitializeWorker: return to(initialize_worker);
    case ExtFunctionQueueWorkItem: return to(queue_work_item);
    case ExtFunctionFreeWorker: return to(free_worker);
    case ExtFunctionInitializeTimer: return to(initialize_timer);
    case ExtFunctionRequestTimer: return to(request_timer);
    case ExtFunctionFreeTimer: return to(free_timer);
    case ExtFunctionGetSystemPortNumber: return to(get_system_port_number);
    case ExtFunctionMarkDumpMemory: return to(mark_dump_memory);
    case ExtFunctionSetUnitAttributes: return to(set_unit_attributes);
    case ExtFunctionQueryPerformanceCounter: return to(query_performance_counter);
    default:
      call.kernel().debug_print(fmt::format("StorPortExtendedFunction({}) is not implemented", code));
      return static_cast<ULONG>(STOR_STATUS_NOT_IMPLEMENTED);
  }
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
  const char* m = "storport.sys";
  return {
      raw_routine("StorPortExtendedFunction", m, reinterpret_cast<const void*>(&extended_function), kAnyIrql,
                  "storport-event-log-extensions", Coverage::partial, "codes that are not served answer STOR_STATUS_NOT_IMPLEMENTED"),
      routine<"StorPortAllocatePool", kAnyIrql, &allocate_pool>(m, "nf-storport-storportallocatepool"),
      routine<"StorPortFreePool", kAnyIrql, &free_pool>(m, "nf-storport-storportfreepool"),
      routine<"StorPortAllocateMdl", kAnyIrql, &allocate_mdl>(m, "nf-storport-storportallocatemdl"),
      routine<"StorPortFreeMdl", kAnyIrql, &free_mdl>(m, "nf-storport-storportfreemdl"),
      routine<"StorPortBuildMdlForNonPagedPool", kAnyIrql, &build_mdl_for_nonpaged_pool>(m, "nf-storport-storportbuildmdlfornonpagedpool"),
      routine<"StorPortGetSystemAddress", kAnyIrql, &get_system_address>(m, "nf-storport-storportgetsystemaddress"),
      routine<"StorPortGetOriginalMdl", kAnyIrql, &get_original_mdl>(m, "nf-storport-storportgetoriginalmdl"),
      routine<"StorPortAcquireMSISpinLock", kAnyIrql, &acquire_msi_lock>(m, "nf-storport-storportacquiremsispinlock"),
      routine<"StorPortReleaseMSISpinLock", kAnyIrql, &release_msi_lock>(m, "nf-storport-storportreleasemsispinlock"),
      routine<"StorPortGetMSIInfo", kAnyIrql, &get_msi_info>(m, "nf-storport-storportgetmsiinfo"),
      routine<"StorPortInitializePerfOpts", kAnyIrql, &initialize_perf_opts>(m, "nf-storport-storportinitializeperfopts"),
      routine<"StorPortGetStartIoPerfParams", kAnyIrql, &get_start_io_perf_params>(m, "nf-storport-storportgetstartioperfparams"),
      routine<"StorPortInitializeWorker", kAnyIrql, &initialize_worker>(m, "nf-storport-storportinitializeworker"),
      routine<"StorPortQueueWorkItem", kAnyIrql, &queue_work_item>(m, "nf-storport-storportqueueworkitem"),
      routine<"StorPortFreeWorker", kAnyIrql, &free_worker>(m, "nf-storport-storportfreeworker"),
      routine<"StorPortInitializeTimer", kAnyIrql, &initialize_timer>(m, "nf-storport-storportinitializetimer"),
      routine<"StorPortRequestTimer", kAnyIrql, &request_timer>(m, "nf-storport-storportrequesttimer"),
      routine<"StorPortFreeTimer", kAnyIrql, &free_timer>(m, "nf-storport-storportfreetimer"),
      routine<"StorPortQueryPerformanceCounter", kAnyIrql, &query_performance_counter>(m, "nf-storport-storportqueryperformancecounter"),
  };
}

}  // namespace drydock::ddi
