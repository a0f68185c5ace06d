// Declaring the miniport, its resources, PCI configuration space and registry.

#include <cstring>

#include "ddi/pool.h"
#include "ddi/storport/rows.h"
#include "ddi/storport/support.h"

namespace drydock::ddi {

ULONG initialize(Call& call, void* driver_object, void* registry_path, HW_INITIALIZATION_DATA* data, void*) {
  if (driver_object == nullptr || registry_path == nullptr || data == nullptr) {  // DOC: ST-10 VER-40
    call.broken("VER-40", "", "StorPortInitialize was given a NULL argument");
    return static_cast<ULONG>(STATUS_INVALID_PARAMETER);
  }
  const std::byte* given = call.range(data, sizeof(ULONG), false, "HwInitializationData");
  if (given == nullptr) return static_cast<ULONG>(STATUS_INVALID_PARAMETER);
  ULONG size = 0;
  std::memcpy(&size, given, sizeof size);
  if (size > sizeof *data || call.range(data, size, false, "HwInitializationData") == nullptr) return static_cast<ULONG>(STATUS_REVISION_MISMATCH);
  return static_cast<ULONG>(call.kernel().initialize_storport(driver_object, registry_path, given));
}

// DOC: ST-191
void* get_device_base(Call& call, void* ext, INTERFACE_TYPE, ULONG, STOR_PHYSICAL_ADDRESS address, ULONG bytes, BOOLEAN io_space) {
  storport::Adapter* adapter = call.adapter(ext);
  return adapter == nullptr ? nullptr : adapter->map_registers(static_cast<std::uint64_t>(address.QuadPart), bytes, io_space != FALSE, call.place());
}

void free_device_base(Call& call, void* ext, void* mapped) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return;
  if (!adapter->in_find_adapter()) call.broken("VER-44", "", "StorPortFreeDeviceBase was called outside HwStorFindAdapter");
  const auto address = reinterpret_cast<std::uint64_t>(mapped);
  if (call.services().mmio.in_arena(address) && !adapter->unmap_registers(address))
    call.broken("ST-191", "", "StorPortFreeDeviceBase was given an address that StorPortGetDeviceBase did not return");
}

BOOLEAN validate_range(Call& call, void*, INTERFACE_TYPE, ULONG, STOR_PHYSICAL_ADDRESS, ULONG, BOOLEAN) {
  call.broken("VER-82", "", "StorPortValidateRange is deprecated");  // DOC: H-29 always TRUE
  return TRUE;
}

// DOC: ST-54
void* get_uncached_extension(Call& call, void* ext, PORT_CONFIGURATION_INFORMATION* config, ULONG bytes) {
  storport::Adapter* adapter = call.adapter(ext);
  auto* host = call.object(config, "ConfigInfo");
  return adapter == nullptr || host == nullptr ? nullptr : adapter->uncached_extension(*host, bytes, call.place());
}

constexpr ULONG kPciConfiguration = 4;
constexpr std::uint32_t kRegistryTag = 0x42676552;  // 'RegB'

// DOC: ST-190 only from HwStorFindAdapter (or ScsiSetRunningConfig).
ULONG get_bus_data(Call& call, void* ext, ULONG kind, ULONG, ULONG slot, void* buffer, ULONG length) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || kind != kPciConfiguration) return 0;
  if (!adapter->may_access_bus_data()) call.broken("ST-190", "", "StorPortGetBusData was called outside HwStorFindAdapter");
  std::byte* to = call.range(buffer, length, true, "Buffer");
  return to == nullptr ? 0 : adapter->read_config(to, slot, 0, length);
}

ULONG set_bus_data_by_offset(Call& call, void* ext, ULONG kind, ULONG, ULONG slot, void* buffer, ULONG offset, ULONG length) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || kind != kPciConfiguration) return 0;
  if (!adapter->may_access_bus_data()) call.broken("ST-190", "", "StorPortSetBusDataByOffset was called outside HwStorFindAdapter");
  const std::byte* from = call.range(buffer, length, false, "Buffer");
  return from == nullptr ? 0 : adapter->write_config(from, slot, offset, length);
}

// --- registry. DOC: ST-192 --------------------------------------------------------------------------------------------------

std::string registry_key(const storport::Adapter& adapter, ULONG global) {
  return global != 0 ? "Parameters\\Device" : fmt::format("Parameters\\Device{}", adapter.port_number());
}

std::string value_name(Call& call, const UCHAR* name) {
  constexpr std::size_t kNameMax = 256;
  std::string text;
  for (std::size_t i = 0; i < kNameMax; ++i) {
    const std::byte* c = call.range(name + i, 1, false, "ValueName");
    if (c == nullptr || *c == std::byte{0}) break;
    text += static_cast<char>(*c);
  }
  return text;
}

// Texts are handed over in ASCII, as the page says; everything else as it is.
std::vector<std::byte> handed_over(const RegistryValue& value, ULONG type) {
  const bool text = value.type == RegistryType::sz || value.type == RegistryType::multi_sz || value.type == RegistryType::expand_sz;
  if (!text || type == static_cast<ULONG>(RegistryType::binary)) return value.data;
  std::vector<std::byte> ascii;
  for (std::size_t i = 0; i + 1 < value.data.size(); i += 2) ascii.push_back(value.data[i]);
  return ascii;
}

BOOLEAN registry_read(Call& call, void* ext, UCHAR* name, ULONG global, ULONG type, UCHAR* buffer, ULONG* length) {
  storport::Adapter* adapter = call.adapter(ext);
  ULONG* host_length = call.object(length, "BufferLength");
  if (adapter == nullptr || host_length == nullptr) return FALSE;
  const RegistryValue* value = call.services().registry.find(registry_key(*adapter, global), value_name(call, name));
  const ULONG room = std::exchange(*host_length, 0);
  if (value == nullptr) return FALSE;
  const auto data = handed_over(*value, type);
  *host_length = static_cast<ULONG>(data.size());
  if (room < data.size()) return FALSE;
  std::byte* to = call.range(buffer, data.size(), true, "Buffer");
  if (to == nullptr) return FALSE;
  std::memcpy(to, data.data(), data.size());
  return TRUE;
}

BOOLEAN registry_write(Call& call, void* ext, UCHAR* name, ULONG global, ULONG type, UCHAR* buffer, ULONG length) {
  constexpr ULONG kLengthMax = 64 * 1024;
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || length > kLengthMax) return FALSE;
  const std::byte* from = call.range(buffer, length, false, "Buffer");
  if (from == nullptr) return FALSE;
  call.services().registry.set(registry_key(*adapter, global), value_name(call, name),
                               {static_cast<RegistryType>(type), {from, from + length}});
  return TRUE;
}

// One buffer at a time for each instance.
UCHAR* allocate_registry_buffer(Call& call, void* ext, ULONG* length) {
  storport::Adapter* adapter = call.adapter(ext);
  ULONG* host_length = call.object(length, "Length");
  if (adapter == nullptr || host_length == nullptr || adapter->registry_buffer != nullptr) return nullptr;
  adapter->registry_buffer = pool_allocate(call, *host_length, kRegistryTag);
  return static_cast<UCHAR*>(adapter->registry_buffer);
}

void free_registry_buffer(Call& call, void* ext, UCHAR* buffer) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr) return;
  if (buffer == nullptr || buffer != adapter->registry_buffer) return call.broken("ST-192", "", "StorPortFreeRegistryBuffer was given another buffer than StorPortAllocateRegistryBuffer returned");
  pool_free(call, std::exchange(adapter->registry_buffer, nullptr));
}

}  // namespace drydock::ddi
