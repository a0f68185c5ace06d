// Questions a miniport asks: about a request, a processor, the time, its own IRQL. DOC: ST-129 ST-130 ST-131 ST-158 ST-195

#include <cstring>

#include "ddi/bytes.h"
#include "ddi/ntoskrnl/format.h"
#include "ddi/storport/bodies.h"
#include "ddi/storport/support.h"
#include "ddi/text.h"

namespace drydock::ddi {

ULONG get_current_irql_status(Call& call, void* ext, UCHAR* irql) {
  UCHAR* host = out(call, ext, irql, "Irql");
  if (host == nullptr) return kInvalidParameter;
  *host = call.scheduler().irql();
  return kSuccess;
}

// --- requests -------------------------------------------------------------------------------------------------------------

// DOC: ST-158 clients here set no priority, key or flags.
ULONG get_request_info(Call& call, void* ext, void* srb, STOR_REQUEST_INFO* info) {
  STOR_REQUEST_INFO* host = out(call, ext, info, "RequestInfo");
  if (host == nullptr || srb == nullptr) return kInvalidParameter;
  if (host->Version != STOR_REQUEST_INFO_VER_1) return static_cast<ULONG>(STOR_STATUS_UNSUPPORTED_VERSION);
  const storport::Request* request = request_of(call, *call.adapter(ext), srb);
  if (request == nullptr) return kInvalidParameter;
  const USHORT version = host->Version;
  *host = {};
  host->Version = version;
  host->Size = sizeof *host;
  host->PriorityHint = IoPriorityNormal;
  host->Length = request->data_length;
  host->IsWriteRequest = request->direction == storport::Request::Direction::out;
  return kSuccess;
}

// Nothing on this machine traces activities.
ULONG get_activity_id(Call& call, void* ext, void* srb, GUID* id) {
  if (out(call, ext, id, "ActivityId") == nullptr || srb == nullptr) return kInvalidParameter;
  return request_of(call, *call.adapter(ext), srb) == nullptr ? kInvalidParameter : kUnsuccessful;
}

// No request here is bidirectional: there is no input buffer beside the data buffer.
ULONG get_data_in_buffer(Call& call, void* ext, void* srb, void** result) {
  void** host = out(call, ext, result, "result");
  if (host == nullptr) return kInvalidParameter;
  *host = nullptr;
  request_of(call, *call.adapter(ext), srb);
  return kInvalidParameter;
}

// The page numbers lie behind the MDL, where the driver could read them itself.
ULONG get_pfns(Call& call, void* ext, void* srb, void* mdl, void** pfns, ULONG* count, ULONG* offset) {
  void** host_pfns = out(call, ext, pfns, "Pfns");
  ULONG* host_count = out(call, ext, count, "PfnCount");
  ULONG* host_offset = out(call, ext, offset, "StartingOffset");
  if (host_pfns == nullptr || host_count == nullptr || host_offset == nullptr || mdl == nullptr) return kInvalidParameter;
  const storport::Request* request = request_of(call, *call.adapter(ext), srb);
  if (request == nullptr || request->mdl != mdl) return kInvalidParameter;
  const MdlView view(request->mdl);
  *host_pfns = request->mdl + 1;
  *host_count = view.pages();
  *host_offset = view.offset();
  return kSuccess;
}

// --- processors -------------------------------------------------------------------------------------------------------------

ULONG get_processor_index(Call& call, void* ext, PROCESSOR_NUMBER* number, ULONG* index) {
  const PROCESSOR_NUMBER* host = out(call, ext, number, "ProcNumber");
  ULONG* to = out(call, ext, index, "ProcIndex");
  if (host == nullptr || to == nullptr || host->Group != 0 || host->Number >= call.scheduler().cpu_count()) return kInvalidParameter;
  *to = host->Number;
  return kSuccess;
}

ULONG get_message_of_processor(Call& call, void* ext, ULONG processor, ULONG* message) {
  ULONG* host = out(call, ext, message, "MessageInterruptID");
  if (host == nullptr || processor >= call.scheduler().cpu_count()) return kInvalidParameter;
  if (call.adapter(ext)->messages() == 0) return kUnsuccessful;
  *host = call.adapter(ext)->message_for_cpu(processor);
  return kSuccess;
}

// One group holds every processor.
ULONG get_node_affinity2(Call& call, void* ext, ULONG node, STOR_GROUP_AFFINITY* affinities, USHORT room, USHORT* needed) {
  USHORT* host_needed = out(call, ext, needed, "GroupAffinitiesCountRequired");
  if (host_needed == nullptr || node != 0) return kInvalidParameter;
  *host_needed = 1;
  if (room == 0) return static_cast<ULONG>(STOR_STATUS_BUFFER_TOO_SMALL);
  STOR_GROUP_AFFINITY* host = out(call, ext, affinities, "GroupAffinities");
  if (host == nullptr) return kInvalidParameter;
  *host = {};
  host->Mask = all_processors(call);
  return kSuccess;
}

// No DPC times out on this machine: limits of 0 say so.
ULONG query_dpc_watchdog(Call& call, void* ext, STOR_DPC_WATCHDOG_INFORMATION* information) {
  auto* host = out(call, ext, information, "DpcWatchdogInformation");
  if (host == nullptr) return kInvalidParameter;
  if (call.scheduler().irql() < kDispatchLevel) return kUnsuccessful;
  *host = {};
  return kSuccess;
}

// --- time ---------------------------------------------------------------------------------------------------------------------

ULONG query_timer_min_interval(Call& call, void* ext, ULONG* interval) {
  ULONG* host = out(call, ext, interval, "TimerMinInterval");
  if (host == nullptr) return kInvalidParameter;
  *host = kTimeIncrement;
  return kSuccess;
}

// DOC: ST-129 a thread below DISPATCH_LEVEL sleeps, anything else stalls.
ULONG delay_execution(Call& call, void* ext, ULONG microseconds) {
  if (call.adapter(ext) == nullptr) return kInvalidParameter;
  const Nanoseconds time = microseconds * kMicrosecond;
  if (call.scheduler().irql() < kDispatchLevel && call.scheduler().thread() != nullptr) call.scheduler().sleep(time);
  else call.scheduler().stall(time);
  return kSuccess;
}

// --- copying, telling --------------------------------------------------------------------------------------------------------

// DOC: ST-130
ULONG secure_copy_memory(Call& call, void* to, SIZE_T room, void* from, SIZE_T count) {
  if (to == nullptr || from == nullptr) return kInvalidParameter;
  if (room < count) return static_cast<ULONG>(STOR_STATUS_BUFFER_TOO_SMALL);
  return move_bytes(call, to, from, count, "Dest", "Src") ? kSuccess : kInvalidParameter;
}

// DOC: ST-131 without flags the failure is only logged; a device is not removed while the machine runs.
ULONG mark_device_failed(Call& call, void* ext, void*, ULONG flags, const char16_t* reason) {
  constexpr std::size_t kReasonMax = 256;
  if (call.adapter(ext) == nullptr) return kInvalidParameter;
  const std::string text = reason == nullptr ? "" : narrowed(driver_string(call, reason, kReasonMax, "FailReason"));
  call.kernel().debug_print("StorPortMarkDeviceFailed: " + text);
  return flags == 0 ? kSuccess : kNotImplemented;
}

ULONG log_system_event(Call& call, void* ext, STOR_LOG_EVENT_DETAILS* details, ULONG*) {
  STOR_LOG_EVENT_DETAILS* host = out(call, ext, details, "LogDetails");
  if (host == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  if (host->InterfaceRevision > STOR_CURRENT_LOG_INTERFACE_REVISION) {
    host->InterfaceRevision = STOR_CURRENT_LOG_INTERFACE_REVISION;
    return static_cast<ULONG>(STOR_STATUS_UNSUPPORTED_VERSION);
  }
  call.kernel().debug_print(fmt::format("StorPortLogSystemEvent: {}:{}:{} error {:#x} id {:#x}", host->PathId, host->TargetId,
                                        host->LunId, host->ErrorCode, host->UniqueId));
  return kSuccess;
}

// Every machine is a fresh installation.
ULONG is_installation_upgrade(Call& call, void* ext, BOOLEAN* upgraded) {
  BOOLEAN* host = out(call, ext, upgraded, "Upgraded");
  if (host == nullptr) return kInvalidParameter;
  if (call.scheduler().irql() > kPassiveLevel) return kInvalidIrql;
  *host = FALSE;
  return kSuccess;
}

}  // namespace drydock::ddi
