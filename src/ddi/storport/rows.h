#pragma once
// Bodies of Storport's plain exports, listed in rows.cpp.

#include "ddi/call.h"

namespace drydock::ddi {

MSABI void notification(SCSI_NOTIFICATION_TYPE type, void* device_extension, ...) noexcept;

ULONG initialize(Call&, void* driver_object, void* registry_path, HW_INITIALIZATION_DATA* data, void* context);
void* get_device_base(Call&, void* ext, INTERFACE_TYPE bus, ULONG bus_number, STOR_PHYSICAL_ADDRESS address, ULONG bytes, BOOLEAN io_space);
void free_device_base(Call&, void* ext, void* mapped);
BOOLEAN validate_range(Call&, void* ext, INTERFACE_TYPE bus, ULONG bus_number, STOR_PHYSICAL_ADDRESS address, ULONG bytes, BOOLEAN io_space);
void* get_uncached_extension(Call&, void* ext, PORT_CONFIGURATION_INFORMATION* config, ULONG bytes);
ULONG get_bus_data(Call&, void* ext, ULONG kind, ULONG bus, ULONG slot, void* buffer, ULONG length);
ULONG set_bus_data_by_offset(Call&, void* ext, ULONG kind, ULONG bus, ULONG slot, void* buffer, ULONG offset, ULONG length);
BOOLEAN registry_read(Call&, void* ext, UCHAR* name, ULONG global, ULONG type, UCHAR* buffer, ULONG* length);
BOOLEAN registry_write(Call&, void* ext, UCHAR* name, ULONG global, ULONG type, UCHAR* buffer, ULONG length);
UCHAR* allocate_registry_buffer(Call&, void* ext, ULONG* length);
void free_registry_buffer(Call&, void* ext, UCHAR* buffer);

STOR_SCATTER_GATHER_LIST* get_scatter_gather_list(Call&, void* ext, SCSI_REQUEST_BLOCK* srb);
STOR_PHYSICAL_ADDRESS get_physical_address(Call&, void* ext, SCSI_REQUEST_BLOCK* srb, void* virtual_address, ULONG* length);
void* get_virtual_address(Call&, void* ext, STOR_PHYSICAL_ADDRESS address);
void* get_logical_unit(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun);
SCSI_REQUEST_BLOCK* get_srb(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun, LONG tag);
void move_memory(Call&, void* to, void* from, ULONG length);
STOR_PHYSICAL_ADDRESS convert_ulong_to_physical_address(Call&, ULONG_PTR value);
ULONG convert_physical_address_to_ulong(Call&, STOR_PHYSICAL_ADDRESS address);

BOOLEAN busy(Call&, void* ext, ULONG requests);
BOOLEAN ready(Call&, void* ext);
BOOLEAN pause(Call&, void* ext, ULONG seconds);
BOOLEAN resume(Call&, void* ext);
BOOLEAN device_busy(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun, ULONG requests);
BOOLEAN device_ready(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun);
BOOLEAN pause_device(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun, ULONG seconds);
BOOLEAN resume_device(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun);
BOOLEAN set_device_queue_depth(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun, ULONG depth);
void complete_request(Call&, void* ext, UCHAR path, UCHAR target, UCHAR lun, UCHAR status);
BOOLEAN synchronize_access(Call&, void* ext, PSTOR_SYNCHRONIZED_ACCESS routine, void* context);
void stall_execution(Call&, ULONG microseconds);
void query_system_time(Call&, LARGE_INTEGER* time);
void log_error(Call&, void* ext, SCSI_REQUEST_BLOCK* srb, UCHAR path, UCHAR target, UCHAR lun, ULONG code, ULONG unique_id);

}  // namespace drydock::ddi
