#include "ddi/row.h"

#include <strings.h>

#include <cstring>
#include <vector>

#include "ddi/modules.h"

namespace drydock::ddi {

Row raw_routine(const char* name, const char* module, const void* entry, Irql irql_max, const char* page, Coverage coverage,
                const char* note) {
  Row row{name, module, entry, false, irql_max, coverage, false, page, note};
  row.takes_user_memory = true;  // what its arguments are, only its body knows
  return row;
}

Row data_row(const char* name, const char* module, const void* address, const char* page) {
  return {name, module, address, true, kAnyIrql, Coverage::full, false, page, ""};
}

Row data_row(const char* name, const char* module, MachineVariable variable, const char* page) {
  static constexpr std::uint64_t kOfNoMachine = 0;
  Row row = data_row(name, module, &kOfNoMachine, page);
  row.variable = variable;
  return row;
}

namespace {

bool before(const Row& a, const Row& b) {
  const int by_module = std::strcmp(a.module, b.module);
  return by_module != 0 ? by_module < 0 : std::strcmp(a.name, b.name) < 0;
}

std::vector<Row> collect() {
  std::vector<Row> rows;
  for (const auto& module_rows :
       {storport_rows(), storport_extended_rows(), ke_rows(), ke_wait_rows(), ke_timer_rows(),
        ke_lock_rows(), ps_rows(), ex_rows(), ex_pool_rows(), ex_lookaside_rows(), zw_rows(),
        rtl_registry_rows(), rtl_string_rows(), rtl_bitmap_rows(), rtl_time_rows(), ke_spin_rows(),
        ke_system_rows(), etw_rows(), ex_timer_rows(), exception_rows(), mm_rows(), mm_memory_rows(), probe_rows(),
        io_device_rows(), io_irp_rows(), io_build_rows(), io_work_rows(), io_queue_rows(),
        io_process_rows(), io_pnp_rows(), rtl_rows(), crt_rows(), hal_rows(), mdl_rows(), mdl_lock_rows(),
        mdl_map_rows(), mdl_pages_rows()})
    rows.insert(rows.end(), module_rows.begin(), module_rows.end());
  std::sort(rows.begin(), rows.end(), before);
  return rows;
}

bool is_kernel(std::string_view module) {
  return strncasecmp(module.data(), "ntoskrnl", 8) == 0 || strncasecmp(module.data(), "hal.dll", 7) == 0;
}

bool same_module(std::string_view asked, const char* module) {
  if (asked.size() == std::strlen(module) && strncasecmp(asked.data(), module, asked.size()) == 0) return true;
  return is_kernel(asked) && is_kernel(module);
}

}  // namespace

std::span<const Row> all_rows() {
  static const std::vector<Row> rows = collect();
  return rows;
}

const Row* find_row(std::string_view name) {
  const auto rows = all_rows();
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return name == row.name; });
  return at == rows.end() ? nullptr : &*at;
}

const Row* find_row(std::string_view module, std::string_view name) {
  for (const Row& row : all_rows())
    if (name == row.name && same_module(module, row.module)) return &row;
  return nullptr;
}

}  // namespace drydock::ddi
