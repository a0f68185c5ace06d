// storport.sys: the plain exports.

#include "ddi/storport/rows.h"

#include <cstring>

#include "ddi/hal/registers.h"
#include "ddi/modules.h"
#include "ddi/ntoskrnl/format.h"

namespace drydock::ddi {

namespace {

template <class T>
T read_one(Call& call, void*, T* address) { return static_cast<T>(read_register(call, address, sizeof(T))); }
template <class T>
void write_one(Call& call, void*, T* address, T value) { write_register(call, address, sizeof(T), value); }
template <class T>
T read_port_one(Call& call, void*, T* port) { return static_cast<T>(read_port(call, reinterpret_cast<std::uint64_t>(port), sizeof(T))); }
template <class T>
void write_port_one(Call& call, void*, T* port, T value) { write_port(call, reinterpret_cast<std::uint64_t>(port), sizeof(T), value); }

// The buffer forms: a register is a range of them, a port is the same one again and again.
template <class T>
void read_many(Call& call, void*, T* address, T* buffer, ULONG count) {
  std::byte* to = call.range(buffer, std::uint64_t{count} * sizeof(T), true, "Buffer");
  for (ULONG i = 0; to != nullptr && i < count; ++i) {
    const T value = read_one(call, nullptr, address + i);
    std::memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}
template <class T>
void write_many(Call& call, void*, T* address, T* buffer, ULONG count) {
  const std::byte* from = call.range(buffer, std::uint64_t{count} * sizeof(T), false, "Buffer");
  for (ULONG i = 0; from != nullptr && i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof(T), sizeof(T));
    write_one(call, nullptr, address + i, value);
  }
}
template <class T>
void read_port_many(Call& call, void*, T* port, T* buffer, ULONG count) {
  std::byte* to = call.range(buffer, std::uint64_t{count} * sizeof(T), true, "Buffer");
  for (ULONG i = 0; to != nullptr && i < count; ++i) {
    const T value = read_port_one(call, nullptr, port);
    std::memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}
template <class T>
void write_port_many(Call& call, void*, T* port, T* buffer, ULONG count) {
  const std::byte* from = call.range(buffer, std::uint64_t{count} * sizeof(T), false, "Buffer");
  for (ULONG i = 0; from != nullptr && i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof(T), sizeof(T));
    write_port_one(call, nullptr, port, value);
  }
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
      routine<"StorPortReadRegisterUchar", kAnyIrql, &read_one<UCHAR>>(m, "nf-storport-storportreadregisteruchar"),
      routine<"StorPortReadRegisterUshort", kAnyIrql, &read_one<USHORT>>(m, "nf-storport-storportreadregisterushort"),
      routine<"StorPortReadRegisterUlong", kAnyIrql, &read_one<ULONG>>(m, "nf-storport-storportreadregisterulong"),
      routine<"StorPortReadRegisterUlong64", kAnyIrql, &read_one<ULONG64>>(m, "nf-storport-storportreadregisterulong64"),
      routine<"StorPortWriteRegisterUchar", kAnyIrql, &write_one<UCHAR>>(m, "nf-storport-storportwriteregisteruchar"),
      routine<"StorPortWriteRegisterUshort", kAnyIrql, &write_one<USHORT>>(m, "nf-storport-storportwriteregisterushort"),
      routine<"StorPortWriteRegisterUlong", kAnyIrql, &write_one<ULONG>>(m, "nf-storport-storportwriteregisterulong"),
      routine<"StorPortWriteRegisterUlong64", kAnyIrql, &write_one<ULONG64>>(m, "nf-storport-storportwriteregisterulong64"),
      routine<"StorPortReadRegisterBufferUchar", kAnyIrql, &read_many<UCHAR>>(m, "nf-storport-storportreadregisterbufferuchar"),
      routine<"StorPortReadRegisterBufferUshort", kAnyIrql, &read_many<USHORT>>(m, "nf-storport-storportreadregisterbufferushort"),
      routine<"StorPortReadRegisterBufferUlong", kAnyIrql, &read_many<ULONG>>(m, "nf-storport-storportreadregisterbufferulong"),
      routine<"StorPortWriteRegisterBufferUchar", kAnyIrql, &write_many<UCHAR>>(m, "nf-storport-storportwriteregisterbufferuchar"),
      routine<"StorPortWriteRegisterBufferUshort", kAnyIrql, &write_many<USHORT>>(m, "nf-storport-storportwriteregisterbufferushort"),
      routine<"StorPortWriteRegisterBufferUlong", kAnyIrql, &write_many<ULONG>>(m, "nf-storport-storportwriteregisterbufferulong"),
      routine<"StorPortReadPortUchar", kAnyIrql, &read_port_one<UCHAR>>(m, "nf-storport-storportreadportuchar"),
      routine<"StorPortReadPortUshort", kAnyIrql, &read_port_one<USHORT>>(m, "nf-storport-storportreadportushort"),
      routine<"StorPortReadPortUlong", kAnyIrql, &read_port_one<ULONG>>(m, "nf-storport-storportreadportulong"),
      routine<"StorPortWritePortUchar", kAnyIrql, &write_port_one<UCHAR>>(m, "nf-storport-storportwriteportuchar"),
      routine<"StorPortWritePortUshort", kAnyIrql, &write_port_one<USHORT>>(m, "nf-storport-storportwriteportushort"),
      routine<"StorPortWritePortUlong", kAnyIrql, &write_port_one<ULONG>>(m, "nf-storport-storportwriteportulong"),
      routine<"StorPortReadPortBufferUchar", kAnyIrql, &read_port_many<UCHAR>>(m, "nf-storport-storportreadportbufferuchar"),
      routine<"StorPortReadPortBufferUshort", kAnyIrql, &read_port_many<USHORT>>(m, "nf-storport-storportreadportbufferushort"),
      routine<"StorPortReadPortBufferUlong", kAnyIrql, &read_port_many<ULONG>>(m, "nf-storport-storportreadportbufferulong"),
      routine<"StorPortWritePortBufferUchar", kAnyIrql, &write_port_many<UCHAR>>(m, "nf-storport-storportwriteportbufferuchar"),
      routine<"StorPortWritePortBufferUshort", kAnyIrql, &write_port_many<USHORT>>(m, "nf-storport-storportwriteportbufferushort"),
      routine<"StorPortWritePortBufferUlong", kAnyIrql, &write_port_many<ULONG>>(m, "nf-storport-storportwriteportbufferulong"),
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
                  Coverage::partial, "WMI events are dropped; a reset, bus or state change does not rescan the bus"),
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
