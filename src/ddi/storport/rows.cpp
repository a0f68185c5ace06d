// storport.sys: the plain exports.

#include "ddi/storport/rows.h"

#include <cstring>

#include "ddi/hal/registers.h"
#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"

namespace drydock::ddi {

namespace {

// The same bodies as hal.dll's, behind a device extension that nobody looks at. DOC: ST-197
template <auto Body>
struct BehindExtension;
template <class R, class... A, R (*Body)(Call&, A...)>
struct BehindExtension<Body> {
  static R run(Call& call, void*, A... arguments) { return Body(call, arguments...); }
};
template <RoutineName Name, auto Body>
Row register_routine(const char* module, const char* page) {
  return routine<Name, kAnyIrql, &BehindExtension<Body>::run>(module, page);
}

// DOC: ST-199
MSABI void debug_print(ULONG, const char* format, ...) noexcept {
  Call call("StorPortDebugPrint", kAnyIrql, __builtin_frame_address(0));
  __builtin_ms_va_list arguments;
  __builtin_ms_va_start(arguments, format);
  call.kernel().debug_print(format_text(call, format, arguments));
  __builtin_ms_va_end(arguments);
}

void add_register_rows(std::vector<Row>& rows) {
  const char* m = "storport.sys";
  rows.insert(rows.end(), {
      register_routine<"StorPortReadRegisterUchar", &read_one<UCHAR>>(m, "nf-storport-storportreadregisteruchar"),
      register_routine<"StorPortReadRegisterUshort", &read_one<USHORT>>(m, "nf-storport-storportreadregisterushort"),
      register_routine<"StorPortReadRegisterUlong", &read_one<ULONG>>(m, "nf-storport-storportreadregisterulong"),
      register_routine<"StorPortReadRegisterUlong64", &read_one<ULONG64>>(m, "nf-storport-storportreadregisterulong64"),
      register_routine<"StorPortWriteRegisterUchar", &write_one<UCHAR>>(m, "nf-storport-storportwriteregisteruchar"),
      register_routine<"StorPortWriteRegisterUshort", &write_one<USHORT>>(m, "nf-storport-storportwriteregisterushort"),
      register_routine<"StorPortWriteRegisterUlong", &write_one<ULONG>>(m, "nf-storport-storportwriteregisterulong"),
      register_routine<"StorPortWriteRegisterUlong64", &write_one<ULONG64>>(m, "nf-storport-storportwriteregisterulong64"),
      register_routine<"StorPortReadRegisterBufferUchar", &read_many<UCHAR>>(m, "nf-storport-storportreadregisterbufferuchar"),
      register_routine<"StorPortReadRegisterBufferUshort", &read_many<USHORT>>(m, "nf-storport-storportreadregisterbufferushort"),
      register_routine<"StorPortReadRegisterBufferUlong", &read_many<ULONG>>(m, "nf-storport-storportreadregisterbufferulong"),
      register_routine<"StorPortWriteRegisterBufferUchar", &write_many<UCHAR>>(m, "nf-storport-storportwriteregisterbufferuchar"),
      register_routine<"StorPortWriteRegisterBufferUshort", &write_many<USHORT>>(m, "nf-storport-storportwriteregisterbufferushort"),
      register_routine<"StorPortWriteRegisterBufferUlong", &write_many<ULONG>>(m, "nf-storport-storportwriteregisterbufferulong"),
      register_routine<"StorPortReadPortUchar", &read_port_one<UCHAR>>(m, "nf-storport-storportreadportuchar"),
      register_routine<"StorPortReadPortUshort", &read_port_one<USHORT>>(m, "nf-storport-storportreadportushort"),
      register_routine<"StorPortReadPortUlong", &read_port_one<ULONG>>(m, "nf-storport-storportreadportulong"),
      register_routine<"StorPortWritePortUchar", &write_port_one<UCHAR>>(m, "nf-storport-storportwriteportuchar"),
      register_routine<"StorPortWritePortUshort", &write_port_one<USHORT>>(m, "nf-storport-storportwriteportushort"),
      register_routine<"StorPortWritePortUlong", &write_port_one<ULONG>>(m, "nf-storport-storportwriteportulong"),
      register_routine<"StorPortReadPortBufferUchar", &read_port_many<UCHAR>>(m, "nf-storport-storportreadportbufferuchar"),
      register_routine<"StorPortReadPortBufferUshort", &read_port_many<USHORT>>(m, "nf-storport-storportreadportbufferushort"),
      register_routine<"StorPortReadPortBufferUlong", &read_port_many<ULONG>>(m, "nf-storport-storportreadportbufferulong"),
      register_routine<"StorPortWritePortBufferUchar", &write_port_many<UCHAR>>(m, "nf-storport-storportwriteportbufferuchar"),
      register_routine<"StorPortWritePortBufferUshort", &write_port_many<USHORT>>(m, "nf-storport-storportwriteportbufferushort"),
      register_routine<"StorPortWritePortBufferUlong", &write_port_many<ULONG>>(m, "nf-storport-storportwriteportbufferulong"),
  });
}

void add_queue_rows(std::vector<Row>& rows) {
  const char* m = "storport.sys";
  rows.insert(rows.end(), {
      routine<"StorPortBusy", kAnyIrql, &busy>(m, "nf-storport-storportbusy"),
      routine<"StorPortReady", kAnyIrql, &ready>(m, "nf-storport-storportready"),
      routine<"StorPortPause", kAnyIrql, &pause>(m, "nf-storport-storportpause"),
      routine<"StorPortResume", kAnyIrql, &resume>(m, "nf-storport-storportresume"),
      routine<"StorPortDeviceBusy", kAnyIrql, &device_busy>(m, "nf-storport-storportdevicebusy"),
      routine<"StorPortDeviceReady", kAnyIrql, &device_ready>(m, "nf-storport-storportdeviceready"),
      routine<"StorPortPauseDevice", kAnyIrql, &pause_device>(m, "nf-storport-storportpausedevice"),
      routine<"StorPortResumeDevice", kAnyIrql, &resume_device>(m, "nf-storport-storportresumedevice"),
      routine<"StorPortSetDeviceQueueDepth", kAnyIrql, &set_device_queue_depth>(m, "nf-storport-storportsetdevicequeuedepth"),
      routine<"StorPortCompleteRequest", kAnyIrql, &complete_request>(m, "nf-storport-storportcompleterequest"),
      routine<"StorPortSynchronizeAccess", kAnyIrql, &synchronize_access>(m, "nf-storport-storportsynchronizeaccess"),
      routine<"StorPortStallExecution", kAnyIrql, &stall_execution>(m, "nf-storport-storportstallexecution"),
      routine<"StorPortQuerySystemTime", kAnyIrql, &query_system_time>(m, "nf-storport-storportquerysystemtime"),
      routine<"StorPortLogError", kAnyIrql, &log_error>(m, "nf-storport-storportlogerror"),
      raw_routine("StorPortDebugPrint", m, reinterpret_cast<const void*>(&debug_print), kAnyIrql, "nf-storport-storportdebugprint"),
      raw_routine("StorPortNotification", m, reinterpret_cast<const void*>(&notification), kAnyIrql, "nf-storport-storportnotification",
                  Coverage::partial, "WMI events are dropped: nobody consumes them"),
  });
}

}  // namespace

std::vector<Row> storport_rows() {
  const char* m = "storport.sys";
  std::vector<Row> rows{
      routine<"StorPortInitialize", kAnyIrql, &initialize>(m, "nf-storport-storportinitialize"),
      routine<"StorPortGetDeviceBase", kAnyIrql, &get_device_base>(m, "nf-storport-storportgetdevicebase"),
      routine<"StorPortFreeDeviceBase", kAnyIrql, &free_device_base>(m, "nf-storport-storportfreedevicebase"),
      routine<"StorPortValidateRange", kAnyIrql, &validate_range>(m, "nf-storport-storportvalidaterange"),
      routine<"StorPortGetUncachedExtension", kAnyIrql, &get_uncached_extension>(m, "nf-storport-storportgetuncachedextension"),
      routine<"StorPortGetBusData", kAnyIrql, &get_bus_data>(m, "nf-storport-storportgetbusdata", Coverage::partial, "PCIConfiguration only"),
      routine<"StorPortSetBusDataByOffset", kAnyIrql, &set_bus_data_by_offset>(m, "nf-storport-storportsetbusdatabyoffset", Coverage::partial, "PCIConfiguration only"),
      routine<"StorPortRegistryRead", kPassiveLevel, &registry_read>(m, "nf-storport-storportregistryread"),
      routine<"StorPortRegistryWrite", kPassiveLevel, &registry_write>(m, "nf-storport-storportregistrywrite"),
      routine<"StorPortAllocateRegistryBuffer", kAnyIrql, &allocate_registry_buffer>(m, "nf-storport-storportallocateregistrybuffer"),
      routine<"StorPortFreeRegistryBuffer", kAnyIrql, &free_registry_buffer>(m, "nf-storport-storportfreeregistrybuffer"),
      routine<"StorPortGetScatterGatherList", kAnyIrql, &get_scatter_gather_list>(m, "nf-storport-storportgetscattergatherlist"),
      routine<"StorPortGetPhysicalAddress", kAnyIrql, &get_physical_address>(m, "nf-storport-storportgetphysicaladdress"),
      routine<"StorPortGetVirtualAddress", kAnyIrql, &get_virtual_address>(m, "nf-storport-storportgetvirtualaddress"),
      routine<"StorPortGetLogicalUnit", kAnyIrql, &get_logical_unit>(m, "nf-storport-storportgetlogicalunit"),
      routine<"StorPortGetSrb", kAnyIrql, &get_srb>(m, "nf-storport-storportgetsrb"),
      routine<"StorPortMoveMemory", kAnyIrql, &move_memory>(m, "nf-storport-storportmovememory"),
      routine<"StorPortConvertUlongToPhysicalAddress", kAnyIrql, &convert_ulong_to_physical_address>(m, "nf-storport-storportconvertulongtophysicaladdress"),
      routine<"StorPortConvertPhysicalAddressToUlong", kAnyIrql, &convert_physical_address_to_ulong>(m, "nf-storport-storportconvertulongtophysicaladdress"),
  };
  add_register_rows(rows);
  add_queue_rows(rows);
  return rows;
}

}  // namespace drydock::ddi
