// Queue management, completion in scope, locks, time. DOC: ST-76 ST-111…ST-113 ST-124 ST-127 ST-129

#include "ddi/storport/rows.h"
#include "ddi/storport/support.h"

namespace drydock::ddi {

namespace {

storport::LogicalUnit* unit_of(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun, storport::Adapter*& adapter) {
  adapter = call.adapter(ext);
  return adapter == nullptr ? nullptr : adapter->find_unit(path, target, lun);
}

}  // namespace

BOOLEAN busy(Call& call, void* ext, ULONG requests) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return FALSE;
  adapter->busy(requests);
  return TRUE;
}

BOOLEAN ready(Call& call, void* ext) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return FALSE;
  adapter->ready();
  return TRUE;
}

BOOLEAN pause(Call& call, void* ext, ULONG seconds) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return FALSE;
  adapter->pause(seconds * kSecond);
  return TRUE;
}

BOOLEAN resume(Call& call, void* ext) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return FALSE;
  adapter->resume();
  return TRUE;
}

BOOLEAN device_busy(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun, ULONG requests) {
  storport::Adapter* adapter = nullptr;
  storport::LogicalUnit* unit = unit_of(call, ext, path, target, lun, adapter);
  if (unit == nullptr) return FALSE;
  adapter->unit_busy(*unit, requests);
  return TRUE;
}

BOOLEAN device_ready(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun) {
  storport::Adapter* adapter = nullptr;
  storport::LogicalUnit* unit = unit_of(call, ext, path, target, lun, adapter);
  if (unit == nullptr) return FALSE;
  adapter->unit_ready(*unit);
  return TRUE;
}

BOOLEAN pause_device(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun, ULONG seconds) {
  storport::Adapter* adapter = nullptr;
  storport::LogicalUnit* unit = unit_of(call, ext, path, target, lun, adapter);
  if (unit == nullptr) return FALSE;
  adapter->pause_unit(*unit, seconds * kSecond);
  return TRUE;
}

BOOLEAN resume_device(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun) {
  storport::Adapter* adapter = nullptr;
  storport::LogicalUnit* unit = unit_of(call, ext, path, target, lun, adapter);
  if (unit == nullptr) return FALSE;
  adapter->resume_unit(*unit);
  return TRUE;
}

BOOLEAN set_device_queue_depth(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun, ULONG depth) {
  storport::Adapter* adapter = nullptr;
  storport::LogicalUnit* unit = unit_of(call, ext, path, target, lun, adapter);
  return unit != nullptr && adapter->set_queue_depth(*unit, depth);
}

// DOC: VER-81
void complete_request(Call& call, void* ext, UCHAR path, UCHAR target, UCHAR lun, UCHAR status) {
  call.broken("VER-81", "", "StorPortCompleteRequest is not to be used: complete each SRB with StorPortNotification");
  if (storport::Adapter* adapter = call.adapter(ext)) adapter->complete_all(path, target, lun, status, call.site());
}

BOOLEAN synchronize_access(Call& call, void* ext, PSTOR_SYNCHRONIZED_ACCESS routine, void* context) {
  storport::Adapter* adapter = call.adapter(ext);
  return adapter != nullptr && adapter->synchronize(routine, context);
}

// DOC: ST-129 H-31 VER-41
void stall_execution(Call& call, ULONG microseconds) {
  constexpr ULONG kLimit = 100'000;
  if (microseconds > kLimit)
    call.broken("VER-41", "0xF1/0x2001", fmt::format("StorPortStallExecution was asked to stall for {} us; more than 0.1 s", microseconds));
  call.scheduler().stall(microseconds * kMicrosecond);
}

void query_system_time(Call& call, LARGE_INTEGER* time) {
  call.scheduler().poll();
  if (LARGE_INTEGER* host = call.object(time, "CurrentTime")) host->QuadPart = static_cast<LONGLONG>(call.kernel().system_time());
}

// DOC: H-26 deprecated by a static rule, required by the error-handling page: kept, and told in the debug output.
void log_error(Call& call, void*, SCSI_REQUEST_BLOCK*, UCHAR path, UCHAR target, UCHAR lun, ULONG code, ULONG unique_id) {
  call.kernel().debug_print(fmt::format("StorPortLogError: {}:{}:{} error {} id {:#x}", path, target, lun, code, unique_id));
}

}  // namespace drydock::ddi
