// StorPortNotification: one export, variadic, behind which a dozen services hide. DOC: ST-120 ST-198 LAY-58

#include <optional>

#include "ddi/storport/rows.h"
#include "ddi/storport/support.h"
#include "ddi/varargs.h"

namespace drydock::ddi {

namespace {

constexpr Nanoseconds kTickLength = 15'625'000;  // 64 ticks a second

[[gnu::cold, gnu::noinline]] MSABI void no_srb(Call& call) noexcept {
  call.broken("ST-121", "", "StorPortNotification(RequestComplete) was given a pointer that is no SRB of this adapter");
}

void complete(Call& call, storport::Adapter& adapter, const void* srb) {
  storport::Request* request = adapter.find_srb(srb);
  if (request == nullptr) [[unlikely]] return no_srb(call);
  adapter.request_complete(*request, call.site());
}

void initialize_dpc(Call& call, storport::Adapter& adapter, __builtin_ms_va_list& arguments) {
  auto* dpc = next_argument<STOR_DPC*>(arguments);
  auto routine = next_argument<PHW_DPC_ROUTINE>(arguments);
  if (dpc == nullptr || routine == nullptr) return call.broken("ST-93", "", "StorPortInitializeDpc was given NULL");
  adapter.deferred().initialize_dpc(dpc, routine);
}

[[gnu::cold, gnu::noinline]] MSABI void no_dpc(Call& call) noexcept {
  call.broken("ST-94", "", "StorPortIssueDpc was given a STOR_DPC that StorPortInitializeDpc never saw");
}

void issue_dpc(Call& call, storport::Adapter& adapter, __builtin_ms_va_list& arguments) {
  auto* dpc = next_argument<STOR_DPC*>(arguments);
  auto* first = next_argument<void*>(arguments);
  auto* second = next_argument<void*>(arguments);
  auto* result = next_argument<LONG*>(arguments);
  const auto queued = adapter.deferred().issue_dpc(dpc, first, second);
  if (!queued) [[unlikely]] no_dpc(call);
  if (LONG* host = call.object(result, "result")) *host = queued.value_or(false) ? TRUE : FALSE;
}

[[gnu::cold, gnu::noinline]] MSABI void no_lock(Call& call, STOR_SPINLOCK kind) noexcept {
  call.broken("ST-80", "", fmt::format("StorPortAcquireSpinLock was given lock type {}", static_cast<int>(kind)));
}

void acquire_lock(Call& call, storport::Adapter& adapter, __builtin_ms_va_list& arguments) {
  const auto kind = static_cast<STOR_SPINLOCK>(next_argument<int>(arguments));
  auto* context = next_argument<void*>(arguments);
  auto* handle = next_argument<STOR_LOCK_HANDLE*>(arguments);
  if (kind != DpcLock && kind != StartIoLock && kind != InterruptLock) [[unlikely]] return no_lock(call, kind);
  if (STOR_LOCK_HANDLE* host = call.object(handle, "LockHandle")) adapter.acquire(kind, context, *host, call.site());
}

void release_lock(Call& call, storport::Adapter& adapter, STOR_LOCK_HANDLE* handle) {
  if (STOR_LOCK_HANDLE* host = call.object(handle, "LockHandle")) adapter.release_lock(*host, call.site());
}

void enable_passive(Call& call, storport::Adapter& adapter, __builtin_ms_va_list& arguments) {
  auto routine = next_argument<PHW_PASSIVE_INITIALIZE_ROUTINE>(arguments);
  auto* result = next_argument<LONG*>(arguments);
  const bool enabled = routine != nullptr && adapter.enable_passive_initialization(routine);
  if (!enabled) call.broken("VER-97", "", "StorPortEnablePassiveInitialization was called outside HwStorInitialize");
  if (LONG* host = call.object(result, "result")) *host = enabled ? TRUE : FALSE;
}

// DOC: ST-125 the larger flag wins. None: no such entity, or an address of another type.
std::optional<storport::BusScope> scope_of(Call& call, ULONG entity, STOR_ADDRESS* address) {
  using Of = storport::BusScope::Of;
  if (address == nullptr || entity == 0 || (entity & ~ULONG{STATE_CHANGE_LUN | STATE_CHANGE_TARGET | STATE_CHANGE_BUS}) != 0) return std::nullopt;
  const auto* host = reinterpret_cast<const STOR_ADDR_BTL8*>(call.range(address, sizeof(STOR_ADDR_BTL8), false, "Address"));
  if (host == nullptr || host->Type != STOR_ADDRESS_TYPE_BTL8) return std::nullopt;
  const Of of = (entity & STATE_CHANGE_BUS) != 0 ? Of::path : (entity & STATE_CHANGE_TARGET) != 0 ? Of::target : Of::unit;
  return storport::BusScope{of, host->Path, host->Target, host->Lun};
}

void state_change(Call& call, storport::Adapter& adapter, __builtin_ms_va_list& arguments) {
  const auto entity = next_argument<ULONG>(arguments);
  auto* address = next_argument<STOR_ADDRESS*>(arguments);
  next_argument<ULONG>(arguments);  // reserved for a virtual machine or not: nothing here asks
  auto routine = next_argument<PHW_STATE_CHANGE>(arguments);
  auto* context = next_argument<void*>(arguments);
  auto* status = next_argument<ULONG*>(arguments);
  const auto scope = scope_of(call, entity, address);
  const ULONG answer = !scope ? kInvalidParameter : adapter.deferred().state_changed(routine, context, address, *scope) ? kSuccess : kUnsuccessful;
  if (ULONG* host = call.object(status, "status")) *host = answer;
}

// DOC: ST-126 units that would have declared support for it are asked for nothing here.
void async_notification(Call& call, __builtin_ms_va_list& arguments) {
  next_argument<STOR_ADDRESS*>(arguments);
  next_argument<ULONGLONG>(arguments);  // which notification
  auto* status = next_argument<ULONG*>(arguments);
  if (ULONG* host = call.object(status, "status")) *host = static_cast<ULONG>(STOR_STATUS_INVALID_DEVICE_REQUEST);
}

// All but the four of every request.
[[gnu::noinline]] MSABI void dispatch(Call& call, SCSI_NOTIFICATION_TYPE type, storport::Adapter& adapter, __builtin_ms_va_list& arguments) noexcept {
  switch (static_cast<unsigned>(type)) {
    case ResetDetected: return adapter.reset_detected();
    case BusChangeDetected: return adapter.rescan().ask({});  // PathId is optional, and C cannot tell whether it was given
    case RequestTimerCall: {
      auto routine = next_argument<PHW_TIMER>(arguments);
      const auto microseconds = next_argument<ULONG>(arguments);
      if (routine == nullptr) call.broken("VER-100", "", "StorPortNotification(RequestTimerCall) without a timer routine");
      return adapter.request_timer(routine, routine == nullptr ? 0 : microseconds);
    }
    case WMIEvent: case WMIReregister: return;  // nobody on this machine consumes WMI events
    case LinkUp: return adapter.link_up();
    case LinkDown: return adapter.link_down();
    case QueryTickCount:
      call.scheduler().poll();
      if (LARGE_INTEGER* ticks = call.object(next_argument<LARGE_INTEGER*>(arguments), "tick count"))
        ticks->QuadPart = static_cast<LONGLONG>(call.scheduler().now() / kTickLength);
      return;
    case BufferOverrunDetected: return call.kernel().bug_check(0xD1, {}, call.place());
    case EnablePassiveInitialization: return enable_passive(call, adapter, arguments);
    case InitializeDpc: return initialize_dpc(call, adapter, arguments);
    case StateChangeDetectedCall: return state_change(call, adapter, arguments);
    case AsyncNotificationDetected: return async_notification(call, arguments);
    case IoTargetRequestServiceTime: return;  // a hint for latency statistics
    default:  // DOC: VER-99
      call.broken("VER-99", "", fmt::format("StorPortNotification was given type {}, which is not for Storport miniports", static_cast<unsigned>(type)));
  }
}

}  // namespace

MSABI void notification(SCSI_NOTIFICATION_TYPE type, void* device_extension, ...) noexcept {
  Call call("StorPortNotification", kAnyIrql, __builtin_frame_address(0));
  storport::Adapter* adapter = call.adapter(device_extension);
  if (adapter == nullptr) return;
  __builtin_ms_va_list arguments;
  __builtin_ms_va_start(arguments, device_extension);
  switch (static_cast<unsigned>(type)) {
    case RequestComplete: complete(call, *adapter, next_argument<void*>(arguments)); break;
    case IssueDpc: issue_dpc(call, *adapter, arguments); break;
    case AcquireSpinLock: acquire_lock(call, *adapter, arguments); break;
    case ReleaseSpinLock: release_lock(call, *adapter, next_argument<STOR_LOCK_HANDLE*>(arguments)); break;
    default: dispatch(call, type, *adapter, arguments);
  }
  __builtin_ms_va_end(arguments);
}

}  // namespace drydock::ddi
