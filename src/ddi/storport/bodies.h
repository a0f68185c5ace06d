#pragma once
// The services behind StorPortExtendedFunction, as typed bodies: reached by code through the one variadic export that the
// WDK's inlines call, and by name for callers that import them. Status values are STOR_STATUS_….

#include "ddi/call.h"

namespace drydock::ddi {

ULONG allocate_pool(Call&, void* ext, ULONG bytes, ULONG tag, void** buffer);
ULONG free_pool(Call&, void* ext, void* buffer);
ULONG allocate_mdl(Call&, void* ext, void* buffer, ULONG bytes, void** mdl);
ULONG free_mdl(Call&, void* ext, void* mdl);
ULONG build_mdl_for_nonpaged_pool(Call&, void* ext, void* mdl);
ULONG get_system_address(Call&, void* ext, void* srb, void** address);
ULONG get_original_mdl(Call&, void* ext, void* srb, void** mdl);
ULONG acquire_msi_lock(Call&, void* ext, ULONG message, ULONG* old_irql);
ULONG release_msi_lock(Call&, void* ext, ULONG message, ULONG old_irql);
ULONG get_msi_info(Call&, void* ext, ULONG message, MESSAGE_INTERRUPT_INFORMATION* info);
ULONG initialize_perf_opts(Call&, void* ext, BOOLEAN query, PERF_CONFIGURATION_DATA* data);
ULONG get_start_io_perf_params(Call&, void* ext, void* srb, STARTIO_PERFORMANCE_PARAMETERS* parameters);
ULONG log_system_event(Call&, void* ext, STOR_LOG_EVENT_DETAILS* details, ULONG* maximum);
ULONG get_current_processor_number(Call&, void* ext, PROCESSOR_NUMBER* number);
ULONG get_active_group_count(Call&, void* ext, USHORT* count);
ULONG get_group_affinity(Call&, void* ext, USHORT group, ULONG_PTR* affinity);
ULONG get_active_node_count(Call&, void* ext, ULONG* count);
ULONG get_node_affinity(Call&, void* ext, ULONG node, GROUP_AFFINITY* affinity);
ULONG get_highest_node_number(Call&, void* ext, ULONG* node);
ULONG allocate_contiguous(Call&, void* ext, SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest,
                          PHYSICAL_ADDRESS boundary, MEMORY_CACHING_TYPE cache, ULONG node, void** buffer);
ULONG free_contiguous(Call&, void* ext, void* buffer, SIZE_T bytes, MEMORY_CACHING_TYPE cache);
ULONG initialize_worker(Call&, void* ext, void** worker);
ULONG queue_work_item(Call&, void* ext, PHW_WORKITEM routine, void* worker, void* context);
ULONG free_worker(Call&, void* ext, void* worker);
ULONG initialize_timer(Call&, void* ext, void** timer);
ULONG request_timer(Call&, void* ext, void* timer, PHW_TIMER_EX routine, void* context, ULONGLONG microseconds, ULONGLONG tolerance);
ULONG free_timer(Call&, void* ext, void* timer);
ULONG get_system_port_number(Call&, void* ext, STOR_ADDRESS* address);
ULONG mark_dump_memory(Call&, void* ext, void* address, ULONGLONG length, ULONG flags);
ULONG set_unit_attributes(Call&, void* ext, STOR_ADDRESS* address, ULONG attributes);
ULONG query_performance_counter(Call&, void* ext, LARGE_INTEGER* frequency, LARGE_INTEGER* counter);
ULONG get_request_info(Call&, void* ext, void* srb, STOR_REQUEST_INFO* info);
ULONG get_activity_id(Call&, void* ext, void* srb, GUID* id);
ULONG get_data_in_buffer(Call&, void* ext, void* srb, void** result);
ULONG get_processor_index(Call&, void* ext, PROCESSOR_NUMBER* number, ULONG* index);
ULONG is_installation_upgrade(Call&, void* ext, BOOLEAN* upgraded);
ULONG initialize_slist_head(Call&, void* ext, SLIST_HEADER* head);
ULONG flush_slist(Call&, void* ext, SLIST_HEADER* head, SLIST_ENTRY** result);
ULONG pop_slist(Call&, void* ext, SLIST_HEADER* head, SLIST_ENTRY** result);
ULONG push_slist(Call&, void* ext, SLIST_HEADER* head, SLIST_ENTRY* entry, SLIST_ENTRY** result);
ULONG query_depth_slist(Call&, void* ext, SLIST_HEADER* head, USHORT* depth);

// Without a public code: by name only.
ULONG cancel_dpc(Call&, void* ext, STOR_DPC* dpc, BOOLEAN* removed);
ULONG acquire_spin_lock_ex(Call&, void* ext, STOR_SPINLOCK kind, void* context, STOR_LOCK_HANDLE* handle);
ULONG get_pfns(Call&, void* ext, void* srb, void* mdl, void** pfns, ULONG* count, ULONG* offset);
ULONG delay_execution(Call&, void* ext, ULONG microseconds);
ULONG allocate_dma_memory(Call&, void* ext, SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest, PHYSICAL_ADDRESS boundary,
                          MEMORY_CACHING_TYPE cache, ULONG node, void** buffer, PHYSICAL_ADDRESS* physical);
ULONG free_dma_memory(Call&, void* ext, void* buffer, SIZE_T bytes, MEMORY_CACHING_TYPE cache, PHYSICAL_ADDRESS physical);
ULONG get_current_irql_status(Call&, void* ext, UCHAR* irql);
ULONG initialize_spin_word(Call&, void* ext, ULONG_PTR* lock);
ULONG initialize_list_head(Call&, void* ext, STOR_LIST_ENTRY* head);
ULONG insert_head_list(Call&, void* ext, STOR_LIST_ENTRY* head, STOR_LIST_ENTRY* entry, STOR_LIST_ENTRY** result, ULONG_PTR* lock);
ULONG insert_tail_list(Call&, void* ext, STOR_LIST_ENTRY* head, STOR_LIST_ENTRY* entry, STOR_LIST_ENTRY** result, ULONG_PTR* lock);
ULONG remove_head_list(Call&, void* ext, STOR_LIST_ENTRY* head, STOR_LIST_ENTRY** result, ULONG_PTR* lock);
ULONG query_dpc_watchdog(Call&, void* ext, STOR_DPC_WATCHDOG_INFORMATION* information);
ULONG query_timer_min_interval(Call&, void* ext, ULONG* interval);
ULONG secure_copy_memory(Call&, void* to, SIZE_T room, void* from, SIZE_T count);
ULONG mark_device_failed(Call&, void* ext, void* address, ULONG flags, const char16_t* reason);
ULONG get_message_of_processor(Call&, void* ext, ULONG processor, ULONG* message);
ULONG get_node_affinity2(Call&, void* ext, ULONG node, STOR_GROUP_AFFINITY* affinities, USHORT room, USHORT* needed);
ULONG build_scatter_gather_list(Call&, void* ext, void* mdl, void* current_va, ULONG length, PpostScaterGatherExecute routine,
                                void* context, BOOLEAN write_to_device, void* list, ULONG list_length);
ULONG put_scatter_gather_list(Call&, void* ext, STOR_SCATTER_GATHER_LIST* list, BOOLEAN write_to_device);
ULONG registry_read_adapter_key(Call&, void* ext, UCHAR* subkey, UCHAR* name, ULONG type, void** data, ULONG* length);
ULONG registry_write_adapter_key(Call&, void* ext, UCHAR* subkey, UCHAR* name, ULONG type, void* data, ULONG length);
ULONG set_adapter_bus_type(Call&, void* ext, ULONG type);
ULONG update_adapter_max_io(Call&, void* ext, ULONG count);
ULONG set_feature_list(Call&, void* ext, ULONG count, STORPORT_FEATURE_TYPE* features);
ULONG initialize_event(Call&, void* ext, STOR_EVENT* event, STOR_EVENT_TYPE type, BOOLEAN state);
ULONG set_event(Call&, void* ext, STOR_EVENT* event);
ULONG wait_for_single_object(Call&, void* ext, void* object, BOOLEAN alertable, LARGE_INTEGER* timeout);
ULONG create_system_thread(Call&, void* ext, PSTOR_THREAD_START_ROUTINE routine, void* context, STOR_THREAD_PRIORITY* priority, void** thread);
ULONG terminate_system_thread(Call&, void* ext, void* thread);
ULONG set_priority_thread(Call&, void* ext, void* thread, STOR_THREAD_PRIORITY priority);

}  // namespace drydock::ddi
