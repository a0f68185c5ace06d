// Declaring the miniport, its resources, PCI configuration space and registry.

#include <cstring>

extern "C" {
#include "wdk/ntddstor.h"
}

#include "ddi/pool.h"
#include "ddi/storport/bodies.h"
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

// --- the adapter's own key: …\Enum\<instance>\Device Parameters\… in Windows, "Device Parameters" here ------------------

std::string adapter_key(Call& call, const UCHAR* subkey) {
  const std::string name = subkey == nullptr ? "" : value_name(call, subkey);
  return name.empty() ? "Device Parameters" : "Device Parameters\\" + name;
}

// DOC: ST-192. The data is copied to the buffer that *ValueData names; *ValueDataLength is its room, then what there is.
ULONG registry_read_adapter_key(Call& call, void* ext, UCHAR* subkey, UCHAR* name, ULONG type, void** data, ULONG* length) {
  ULONG* host_length = out(call, ext, length, "ValueDataLength");
  void** buffer = data == nullptr ? nullptr : call.object(data, "ValueData");
  if (host_length == nullptr || buffer == nullptr || name == nullptr) return kInvalidParameter;
  if (call.scheduler().irql() > kPassiveLevel) return kInvalidIrql;
  const RegistryValue* value = call.services().registry.find(adapter_key(call, subkey), value_name(call, name));
  if (value == nullptr || static_cast<ULONG>(value->type) != type) return kUnsuccessful;
  const auto bytes = handed_over(*value, type);
  const ULONG room = std::exchange(*host_length, static_cast<ULONG>(bytes.size()));
  if (room < bytes.size()) return static_cast<ULONG>(STOR_STATUS_BUFFER_TOO_SMALL);
  std::byte* to = call.range(*buffer, bytes.size(), true, "ValueData");
  if (to == nullptr) return kInvalidParameter;
  std::memcpy(to, bytes.data(), bytes.size());
  return kSuccess;
}

// A text arrives in ASCII, and is kept as the registry keeps texts.
std::vector<std::byte> kept(const std::byte* from, ULONG length, ULONG type) {
  const auto as = static_cast<RegistryType>(type);
  if (as != RegistryType::sz && as != RegistryType::expand_sz && as != RegistryType::multi_sz) return {from, from + length};
  std::vector<std::byte> wide;
  for (ULONG i = 0; i < length; ++i) wide.push_back(from[i]), wide.push_back(std::byte{0});
  return wide;
}

ULONG registry_write_adapter_key(Call& call, void* ext, UCHAR* subkey, UCHAR* name, ULONG type, void* data, ULONG length) {
  constexpr ULONG kLengthMax = 64 * 1024;
  if (call.adapter(ext) == nullptr || name == nullptr || data == nullptr || length > kLengthMax) return kInvalidParameter;
  if (call.scheduler().irql() > kPassiveLevel) return kInvalidIrql;
  const std::byte* from = call.range(data, length, false, "ValueData");
  if (from == nullptr) return kInvalidParameter;
  call.services().registry.set(adapter_key(call, subkey), value_name(call, name), {static_cast<RegistryType>(type), kept(from, length, type)});
  return kSuccess;
}

// --- what the miniport declares of its adapter --------------------------------------------------------------------------

// DOC: ST-31
ULONG set_adapter_bus_type(Call& call, void* ext, ULONG type) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || type == BusTypeUnknown || type >= BusTypeMax) return kInvalidParameter;
  return adapter->in_find_adapter() ? kSuccess : kUnsuccessful;
}

// DOC: ST-32
ULONG update_adapter_max_io(Call& call, void* ext, ULONG count) {
  storport::Adapter* adapter = call.adapter(ext);
  if (adapter == nullptr || count == 0) return kInvalidParameter;
  return adapter->update_ios_max(count) ? kSuccess : static_cast<ULONG>(STOR_STATUS_INVALID_DEVICE_REQUEST);
}

// DOC: ST-30 ST-175 a declaration: control types that need it are not issued by this port driver.
ULONG set_feature_list(Call& call, void* ext, ULONG count, STORPORT_FEATURE_TYPE* features) {
  if (call.adapter(ext) == nullptr || features == nullptr || count == 0 || count > StorportFeatureMax) return kInvalidParameter;
  return call.range(features, count * sizeof *features, false, "FeatureList") == nullptr ? kInvalidParameter : kSuccess;
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
