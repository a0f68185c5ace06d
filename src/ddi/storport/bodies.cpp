#include "ddi/storport/bodies.h"

#include <cstring>

#include "ddi/pool.h"
#include "ddi/storport/support.h"

namespace drydock::ddi {

namespace {

constexpr std::uint32_t kMdlTag = 0x206C644D;  // 'Mdl '

}  // namespace

// DOC: ST-57 nonpaged, at ≤ DISPATCH_LEVEL; NULL in *Buffer on failure.
ULONG allocate_pool(Call& call, void* ext, ULONG bytes, ULONG tag, void** buffer) {
  void** host = out(call, ext, buffer, "BufferPointer");
  if (host == nullptr) return kInvalidParameter;
  *host = nullptr;
  if (too_high(call)) return kInvalidIrql;
  *host = pool_allocate(call, bytes, tag);
  return *host == nullptr ? kNoResources : kSuccess;
}

ULONG free_pool(Call& call, void* ext, void* buffer) {
  if (call.adapter(ext) == nullptr || buffer == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  return pool_free(call, buffer) ? kSuccess : kInvalidParameter;
}

// DOC: ST-56
ULONG allocate_mdl(Call& call, void* ext, void* buffer, ULONG bytes, void** mdl) {
  void** host = out(call, ext, mdl, "Mdl");
  if (host == nullptr || buffer == nullptr) return kInvalidParameter;
  *host = nullptr;
  if (too_high(call)) return kInvalidIrql;
  void* memory = pool_allocate(call, MdlView::size_of(reinterpret_cast<std::uint64_t>(buffer), bytes), kMdlTag);
  if (memory == nullptr) return kNoResources;
  MdlView::format(memory, reinterpret_cast<std::uint64_t>(buffer), bytes);
  *host = memory;
  return kSuccess;
}

ULONG free_mdl(Call& call, void* ext, void* mdl) {
  if (call.adapter(ext) == nullptr || mdl == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  return pool_free(call, mdl) ? kSuccess : kInvalidParameter;
}

ULONG build_mdl_for_nonpaged_pool(Call& call, void* ext, void* mdl) {
  if (call.adapter(ext) == nullptr || mdl == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  auto* host = reinterpret_cast<MDL*>(call.range(mdl, sizeof(MDL), true, "Mdl"));
  return host != nullptr && MdlView(host).build_nonpaged(call.memory(), &call.services().mappings) ? kSuccess : kInvalidParameter;
}

// DOC: ST-49 the data of any SRB with a buffer, mapped for the CPU.
ULONG get_system_address(Call& call, void* ext, void* srb, void** address) {
  void** host = out(call, ext, address, "SystemAddress");
  if (host == nullptr) return kInvalidParameter;
  *host = nullptr;
  if (too_high(call)) return kInvalidIrql;
  storport::Request* request = request_of(call, *call.adapter(ext), srb);
  if (request == nullptr || request->data_length == 0) return kInvalidParameter;
  *host = call.adapter(ext)->data_for_cpu(*request);
  return kSuccess;
}

// DOC: ST-50
ULONG get_original_mdl(Call& call, void* ext, void* srb, void** mdl) {
  void** host = out(call, ext, mdl, "Mdl");
  if (host == nullptr) return kInvalidParameter;
  storport::Request* request = request_of(call, *call.adapter(ext), srb);
  *host = request == nullptr ? nullptr : request->mdl;
  return request == nullptr ? kInvalidParameter : kSuccess;
}

// --- interrupts --------------------------------------------------------------------------------------------------------------

ULONG acquire_msi_lock(Call& call, void* ext, ULONG message, ULONG* old_irql) {
  ULONG* host = out(call, ext, old_irql, "OldIrql");
  if (host == nullptr) return kInvalidParameter;
  return call.adapter(ext)->acquire_message_lock(message, *host, call.site()) ? kSuccess : kInvalidParameter;
}

ULONG release_msi_lock(Call& call, void* ext, ULONG message, ULONG old_irql) {
  storport::Adapter* adapter = call.adapter(ext);
  return adapter != nullptr && adapter->release_message_lock(message, old_irql, call.site()) ? kSuccess : kInvalidParameter;
}

// DOC: ST-101
ULONG get_msi_info(Call& call, void* ext, ULONG message, MESSAGE_INTERRUPT_INFORMATION* info) {
  auto* host = out(call, ext, info, "InterruptInfo");
  if (host == nullptr) return kInvalidParameter;
  storport::Adapter& adapter = *call.adapter(ext);
  if (adapter.messages() == 0) return static_cast<ULONG>(STOR_STATUS_INVALID_DEVICE_REQUEST);
  return adapter.message_information(message, *host) ? kSuccess : kInvalidParameter;
}

// DOC: ST-102 VER-100
ULONG initialize_perf_opts(Call& call, void* ext, BOOLEAN query, PERF_CONFIGURATION_DATA* data) {
  if (data == nullptr) call.broken("VER-100", "", "StorPortInitializePerfOpts was given NULL for PerfConfigData");
  auto* host = out(call, ext, data, "PerfConfigData");
  return host == nullptr ? kInvalidParameter : call.adapter(ext)->performance_options(query != FALSE, *host);
}

// DOC: ST-103
ULONG get_start_io_perf_params(Call& call, void* ext, void* srb, STARTIO_PERFORMANCE_PARAMETERS* parameters) {
  auto* host = out(call, ext, parameters, "StartIoPerfParams");
  if (host == nullptr || host->Size < sizeof *host) return kInvalidParameter;
  storport::Adapter& adapter = *call.adapter(ext);
  if (request_of(call, adapter, srb) == nullptr) return kInvalidParameter;
  host->MessageNumber = adapter.message_for_cpu(call.scheduler().cpu().index);
  host->ChannelNumber = 0;
  return kSuccess;
}

// --- processors and nodes: one group, one node -------------------------------------------------------------------------------------

ULONG get_current_processor_number(Call& call, void* ext, PROCESSOR_NUMBER* number) {
  auto* host = out(call, ext, number, "ProcNumber");
  if (host == nullptr) return kInvalidParameter;
  *host = {0, static_cast<UCHAR>(call.scheduler().cpu().index), 0};
  return kSuccess;
}

ULONG get_active_group_count(Call& call, void* ext, USHORT* count) {
  USHORT* host = out(call, ext, count, "NumberGroups");
  if (host == nullptr) return kInvalidParameter;
  *host = 1;
  return kSuccess;
}

ULONG get_group_affinity(Call& call, void* ext, USHORT group, ULONG_PTR* affinity) {
  ULONG_PTR* host = out(call, ext, affinity, "GroupAffinityMask");
  if (host == nullptr || group != 0) return kInvalidParameter;
  *host = all_processors(call);
  return kSuccess;
}

ULONG get_active_node_count(Call& call, void* ext, ULONG* count) {
  ULONG* host = out(call, ext, count, "NumberNodes");
  if (host == nullptr) return kInvalidParameter;
  *host = 1;
  return kSuccess;
}

ULONG get_node_affinity(Call& call, void* ext, ULONG node, GROUP_AFFINITY* affinity) {
  auto* host = out(call, ext, affinity, "NodeAffinityMask");
  if (host == nullptr || node != 0) return kInvalidParameter;
  *host = {};
  host->Mask = all_processors(call);
  return kSuccess;
}

ULONG get_highest_node_number(Call& call, void* ext, ULONG* node) {
  ULONG* host = out(call, ext, node, "HighestNode");
  if (host == nullptr) return kInvalidParameter;
  *host = 0;
  return kSuccess;
}

// --- memory for the device. DOC: ST-58 -----------------------------------------------------------------------------------------

ULONG allocate_contiguous(Call& call, void* ext, SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest,
                          PHYSICAL_ADDRESS boundary, MEMORY_CACHING_TYPE, ULONG, void** buffer) {
  void** host = out(call, ext, buffer, "BufferPointer");
  if (host == nullptr || bytes == 0 || bytes > kMemoryMax) return kInvalidParameter;
  *host = nullptr;
  if (too_high(call)) return kInvalidIrql;
  *host = call.adapter(ext)->allocate_common(bytes, {.lowest = static_cast<std::uint64_t>(lowest.QuadPart),
                                                     .highest = static_cast<std::uint64_t>(highest.QuadPart),
                                                     .boundary = static_cast<std::uint64_t>(boundary.QuadPart)}, call.place());
  return *host == nullptr ? kNoResources : kSuccess;
}

ULONG free_contiguous(Call& call, void* ext, void* buffer, SIZE_T bytes, MEMORY_CACHING_TYPE) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || buffer == nullptr) return kInvalidParameter;
  if (adapter->free_common(buffer, bytes, call.place())) return kSuccess;
  call.broken("ST-58", "", "StorPortFreeContiguousMemorySpecifyCache was given a buffer or a size that was not allocated so");
  return kInvalidParameter;
}

// The same memory, and its address as the device sees it.
ULONG allocate_dma_memory(Call& call, void* ext, SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest, PHYSICAL_ADDRESS boundary,
                          MEMORY_CACHING_TYPE cache, ULONG node, void** buffer, PHYSICAL_ADDRESS* physical) {
  PHYSICAL_ADDRESS* host = out(call, ext, physical, "PhysicalAddress");
  if (host == nullptr) return kInvalidParameter;
  const ULONG status = allocate_contiguous(call, ext, bytes, lowest, highest, boundary, cache, node, buffer);
  if (status == kSuccess) host->QuadPart = static_cast<LONGLONG>(call.physical(*call.object(buffer, "BufferPointer"))->value);
  return status;
}
ULONG free_dma_memory(Call& call, void* ext, void* buffer, SIZE_T bytes, MEMORY_CACHING_TYPE cache, PHYSICAL_ADDRESS) {
  return free_contiguous(call, ext, buffer, bytes, cache);
}

// --- DPCs and locks. DOC: ST-80 ST-95 -------------------------------------------------------------------------------------------

ULONG cancel_dpc(Call& call, void* ext, STOR_DPC* dpc, BOOLEAN* removed) {
  BOOLEAN* host = out(call, ext, removed, "ReturnValue");
  if (host == nullptr || dpc == nullptr) return kInvalidParameter;
  const auto cancelled = call.adapter(ext)->deferred().cancel_dpc(dpc);
  if (!cancelled) call.broken("ST-95", "", "StorPortCancelDpc was given a STOR_DPC that StorPortInitializeDpc never saw");
  *host = cancelled.value_or(false) ? TRUE : FALSE;
  return cancelled ? kSuccess : kInvalidParameter;
}

ULONG acquire_spin_lock_ex(Call& call, void* ext, STOR_SPINLOCK kind, void* context, STOR_LOCK_HANDLE* handle) {
  STOR_LOCK_HANDLE* host = out(call, ext, handle, "LockHandle");
  if (host == nullptr || (kind != DpcLock && kind != StartIoLock && kind != InterruptLock)) return kInvalidParameter;
  if (kind == DpcLock && context == nullptr) return kInvalidParameter;
  if (kind != InterruptLock && too_high(call)) return kInvalidIrql;
  call.adapter(ext)->acquire(kind, context, *host, call.site());
  return kSuccess;
}

// --- work items and timers. DOC: ST-96 ST-98 -----------------------------------------------------------------------------------

namespace {

ULONG status_of(storport::DeferredStatus status) {
  switch (status) {
    case storport::DeferredStatus::ok: return kSuccess;
    case storport::DeferredStatus::busy: return static_cast<ULONG>(STOR_STATUS_BUSY);
    default: return kInvalidParameter;
  }
}

}  // namespace

ULONG initialize_worker(Call& call, void* ext, void** worker) {
  void** host = out(call, ext, worker, "Worker");
  if (host == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  *host = call.adapter(ext)->deferred().initialize_worker(call.place());
  return kSuccess;
}

ULONG queue_work_item(Call& call, void* ext, PHW_WORKITEM routine, void* worker, void* context) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || routine == nullptr || worker == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  return status_of(adapter->deferred().queue_worker(worker, routine, context));
}

ULONG free_worker(Call& call, void* ext, void* worker) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || worker == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  return status_of(adapter->deferred().free_worker(worker));
}

ULONG initialize_timer(Call& call, void* ext, void** timer) {
  void** host = out(call, ext, timer, "TimerHandle");
  if (host == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  *host = call.adapter(ext)->deferred().initialize_timer(call.place());
  return kSuccess;
}

ULONG request_timer(Call& call, void* ext, void* timer, PHW_TIMER_EX routine, void* context, ULONGLONG microseconds, ULONGLONG) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || timer == nullptr || (routine == nullptr && microseconds != 0)) return kInvalidParameter;
  return status_of(adapter->deferred().request_timer(timer, routine, context, microseconds));
}

ULONG free_timer(Call& call, void* ext, void* timer) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || timer == nullptr) return kInvalidParameter;
  if (too_high(call)) return kInvalidIrql;
  const auto status = adapter->deferred().free_timer(timer);
  return status == storport::DeferredStatus::unknown ? kUnsuccessful : status_of(status);
}

// --- the rest --------------------------------------------------------------------------------------------------------------------

ULONG get_system_port_number(Call& call, void* ext, STOR_ADDRESS* address) {
  auto* host = out(call, ext, address, "Address");
  if (host == nullptr || host->Type != STOR_ADDRESS_TYPE_BTL8) return kInvalidParameter;
  host->Port = static_cast<USHORT>(call.adapter(ext)->port_number());
  return kSuccess;
}

// Advice for a crash dump, which no machine here writes.
ULONG mark_dump_memory(Call& call, void* ext, void*, ULONGLONG, ULONG flags) {
  return call.adapter(ext) == nullptr || (flags & ~ULONG{MARK_DUMP_MEMORY_FLAG_PHYSICAL_ADDRESS}) != 0 ? kInvalidParameter : kSuccess;
}

// What a unit says it could do beyond reading and writing; nothing here asks it to.
ULONG set_unit_attributes(Call& call, void* ext, STOR_ADDRESS* address, ULONG attributes) {
  constexpr ULONG kReserved = ~ULONG{0xF};
  const auto* host = reinterpret_cast<const STOR_ADDR_BTL8*>(out(call, ext, address, "Address"));
  if (host == nullptr || host->Type != STOR_ADDRESS_TYPE_BTL8 || (attributes & kReserved) != 0) return kInvalidParameter;
  return call.adapter(ext)->find_unit(host->Path, host->Target, host->Lun) == nullptr ? kInvalidParameter : kSuccess;
}

ULONG query_performance_counter(Call& call, void* ext, LARGE_INTEGER* frequency, LARGE_INTEGER* counter) {
  auto* host = out(call, ext, counter, "PerformanceCounter");
  if (host == nullptr) return kInvalidParameter;
  host->QuadPart = static_cast<LONGLONG>(call.kernel().interrupt_time());
  if (frequency != nullptr)
    if (LARGE_INTEGER* f = call.object(frequency, "PerformanceFrequency")) f->QuadPart = 10'000'000;
  return kSuccess;
}

}  // namespace drydock::ddi
