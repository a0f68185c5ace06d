#pragma once
// The tables of rows, one a family of routines.

#include <vector>

#include "ddi/row.h"

namespace drydock::ddi {

std::vector<Row> storport_rows();
std::vector<Row> storport_extended_rows();
std::vector<Row> ke_rows();
std::vector<Row> ke_wait_rows();
std::vector<Row> ke_timer_rows();
std::vector<Row> ke_lock_rows();
std::vector<Row> ps_rows();
std::vector<Row> ex_rows();
std::vector<Row> ex_pool_rows();
std::vector<Row> ex_lookaside_rows();
std::vector<Row> zw_rows();
std::vector<Row> rtl_registry_rows();
std::vector<Row> rtl_string_rows();
std::vector<Row> rtl_bitmap_rows();
std::vector<Row> rtl_time_rows();
std::vector<Row> ke_spin_rows();
std::vector<Row> ke_system_rows();
std::vector<Row> etw_rows();
std::vector<Row> ex_timer_rows();
std::vector<Row> exception_rows();
std::vector<Row> mm_rows();
std::vector<Row> mm_memory_rows();
std::vector<Row> probe_rows();
std::vector<Row> io_device_rows();
std::vector<Row> io_irp_rows();
std::vector<Row> mdl_rows();
std::vector<Row> mdl_lock_rows();
std::vector<Row> mdl_map_rows();
std::vector<Row> mdl_pages_rows();
std::vector<Row> io_build_rows();
std::vector<Row> io_work_rows();
std::vector<Row> io_queue_rows();
std::vector<Row> io_process_rows();
std::vector<Row> io_pnp_rows();
std::vector<Row> rtl_rows();
std::vector<Row> crt_rows();
std::vector<Row> hal_rows();

/// What DRIVER_OBJECT.MajorFunction holds before the driver puts its own routines there.
PDRIVER_DISPATCH default_dispatch_routine();

}  // namespace drydock::ddi
