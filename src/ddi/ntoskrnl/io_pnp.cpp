// ntoskrnl.exe: Io…, Po…: what drivers ask the PnP and power managers and WMI for.

#include <cstring>

#include <fmt/format.h>

#include "abi/wdk_io.h"
#include "ddi/modules.h"
#include "ddi/ntoskrnl/unicode.h"
#include "ddi/pool.h"
#include "io/late_requests.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr std::uint32_t kTag = 0x20706E50;  // 'Pnp '

IoManager& io(Call& call) { return call.kernel().io(); }

/// A physical device object; false after a finding. DOC: VER-196
bool is_physical(Call& call, DEVICE_OBJECT* device) {
  const DeviceFacts* facts = io(call).devices().find(device);
  if (facts != nullptr && facts->below == nullptr) return true;
  call.broken("VER-196", "0xC9/0x24D", fmt::format("{} was given {}: it wants a physical device object", call.name(), facts == nullptr ? "no device object" : "a device object that is attached to another"));
  return false;
}

// --- power ----------------------------------------------------------------------------------------------------------------

NTSTATUS request_power_irp(Call& call, DEVICE_OBJECT* device, UCHAR minor, ULONG state, PowerRequest::Completion completion, void* context, IRP** irp) {
  if (io(call).devices().find(device) == nullptr) return STATUS_INVALID_PARAMETER;
  if (minor != IRP_MN_SET_POWER && minor != IRP_MN_QUERY_POWER) return STATUS_INVALID_PARAMETER_2;
  if (irp != nullptr) return STATUS_INVALID_PARAMETER;  // only IRP_MN_WAIT_WAKE may ask for it
  request_power(io(call), {.device = device, .minor = minor, .state = state, .completion = completion, .context = context});
  return STATUS_PENDING;
}

// --- changes ----------------------------------------------------------------------------------------------------------------

void invalidate_relations(Call& call, DEVICE_OBJECT* device, DEVICE_RELATION_TYPE type) {
  if (is_physical(call, device)) ask_again(io(call), device, IRP_MN_QUERY_DEVICE_RELATIONS, type);
}
void invalidate_state(Call& call, DEVICE_OBJECT* device) {
  if (is_physical(call, device)) ask_again(io(call), device, IRP_MN_QUERY_PNP_DEVICE_STATE, BusRelations);
}

// --- interfaces -------------------------------------------------------------------------------------------------------------

/// In pool, which the driver frees. Null: no memory.
void* text_for_driver(Call& call, const std::u16string& text) {
  const std::size_t bytes = (text.size() + 1) * sizeof(char16_t);
  void* memory = pool_allocate(call, bytes, kTag);
  if (memory != nullptr) std::memcpy(call.range(memory, bytes, true, "buffer"), text.c_str(), bytes);
  return memory;
}

NTSTATUS register_interface(Call& call, DEVICE_OBJECT* physical, const GUID* interface_class, UNICODE_STRING* reference, UNICODE_STRING* name) {
  const GUID* host = call.object(interface_class, "InterfaceClassGuid");
  UNICODE_STRING* out = call.object(name, "SymbolicLinkName");
  if (host == nullptr || out == nullptr || !is_physical(call, physical)) return STATUS_INVALID_DEVICE_REQUEST;
  const std::u16string text = reference == nullptr ? std::u16string() : unicode_text(call, reference, "ReferenceString");
  if (text.find_first_of(u"\\/") != std::u16string::npos) return STATUS_INVALID_DEVICE_REQUEST;
  const std::u16string link = io(call).interfaces().add(physical, *host, text);
  void* buffer = text_for_driver(call, link);
  if (buffer == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  out->Length = static_cast<USHORT>(link.size() * sizeof(char16_t));
  out->MaximumLength = static_cast<USHORT>(out->Length + sizeof(char16_t));
  out->Buffer = static_cast<decltype(out->Buffer)>(buffer);
  return STATUS_SUCCESS;
}
NTSTATUS set_interface_state(Call& call, UNICODE_STRING* name, BOOLEAN enable) { return io(call).interfaces().enable(unicode_text(call, name, "SymbolicLinkName"), enable != FALSE); }

NTSTATUS get_interfaces(Call& call, const GUID* interface_class, DEVICE_OBJECT* physical, ULONG flags, void** list) {
  const GUID* host = call.object(interface_class, "InterfaceClassGuid");
  void** out = call.object(list, "SymbolicLinkList");
  if (host == nullptr || out == nullptr) return STATUS_INVALID_PARAMETER;
  std::u16string all;
  for (const std::u16string& link : io(call).interfaces().of_class(*host, physical, (flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE) != 0)) all += link, all += u'\0';
  *out = text_for_driver(call, all);
  return *out == nullptr ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

// --- properties -------------------------------------------------------------------------------------------------------------

std::vector<std::byte> bytes_of(std::u16string_view text) {
  std::vector<std::byte> bytes((text.size() + 1) * sizeof(char16_t));
  std::memcpy(bytes.data(), text.data(), text.size() * sizeof(char16_t));
  return bytes;
}
std::vector<std::byte> bytes_of(ULONG value) {
  std::vector<std::byte> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// Empty: the device has no such property.
std::vector<std::byte> property_of(const DeviceFacts& facts, DEVICE_REGISTRY_PROPERTY property) {
  switch (property) {
    case DevicePropertyDeviceDescription: return bytes_of(u"drydock device");
    case DevicePropertyHardwareID: return bytes_of(std::u16string_view(u"DRYDOCK\\Device\0", 15));
    case DevicePropertyEnumeratorName: return bytes_of(u"DRYDOCK");
    case DevicePropertyPhysicalDeviceObjectName: return bytes_of(facts.name);
    case DevicePropertyBusNumber: return bytes_of(ULONG{0});
    case DevicePropertyAddress: return bytes_of(ULONG{0});
    default: return {};
  }
}

NTSTATUS get_property(Call& call, DEVICE_OBJECT* device, DEVICE_REGISTRY_PROPERTY property, ULONG room, void* buffer, ULONG* needed) {
  ULONG* out = call.object(needed, "ResultLength");
  if (out == nullptr) return STATUS_INVALID_PARAMETER;
  if (!is_physical(call, device)) return STATUS_INVALID_DEVICE_REQUEST;
  const std::vector<std::byte> value = property_of(*io(call).devices().find(device), property);
  *out = static_cast<ULONG>(value.size());
  if (value.empty()) return STATUS_OBJECT_NAME_NOT_FOUND;
  if (room < value.size()) return STATUS_BUFFER_TOO_SMALL;
  std::byte* host = call.range(buffer, value.size(), true, "PropertyBuffer");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  std::memcpy(host, value.data(), value.size());
  return STATUS_SUCCESS;
}

// --- WMI: nobody asks a provider for its data ---------------------------------------------------------------------------------

NTSTATUS wmi_registration(Call& call, DEVICE_OBJECT* device, ULONG action) {
  if (io(call).devices().find(device) == nullptr) return STATUS_INVALID_PARAMETER;
  return action >= WMIREG_ACTION_REGISTER && action <= WMIREG_ACTION_UPDATE_GUIDS ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
NTSTATUS wmi_write_event(Call& call, void* event) { return pool_free(call, event) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER; }

}  // namespace

std::vector<Row> io_pnp_rows() {
  return {
      routine<"PoRequestPowerIrp", kDispatchLevel, &request_power_irp>(kModule, "nf-wdm-porequestpowerirp", Coverage::partial, "IRP_MN_WAIT_WAKE is refused: no device of the machine wakes it"),
      routine<"IoInvalidateDeviceRelations", kDispatchLevel, &invalidate_relations>(kModule, "nf-wdm-ioinvalidatedevicerelations", Coverage::partial, "the question is asked; devices that appear in the answer are not started"),
      routine<"IoInvalidateDeviceState", kDispatchLevel, &invalidate_state>(kModule, "nf-wdm-ioinvalidatedevicestate", Coverage::partial, "the question is asked; the answer changes nothing"),
      routine<"IoRegisterDeviceInterface", kPassiveLevel, &register_interface>(kModule, "nf-wdm-ioregisterdeviceinterface", Coverage::partial, "nothing of it is kept in the registry"),
      routine<"IoSetDeviceInterfaceState", kPassiveLevel, &set_interface_state>(kModule, "nf-wdm-iosetdeviceinterfacestate", Coverage::partial, "nobody is notified of a new interface"),
      routine<"IoGetDeviceInterfaces", kPassiveLevel, &get_interfaces>(kModule, "nf-wdm-iogetdeviceinterfaces"),
      routine<"IoGetDeviceProperty", kPassiveLevel, &get_property>(kModule, "nf-wdm-iogetdeviceproperty", Coverage::partial, "description, hardware ids, enumerator, name, bus number and address"),
      routine<"IoWMIRegistrationControl", kPassiveLevel, &wmi_registration>(kModule, "nf-wdm-iowmiregistrationcontrol", Coverage::partial, "no IRP_MN_REGINFO is sent: nothing consumes WMI data"),
      routine<"IoWMIWriteEvent", kApcLevel, &wmi_write_event>(kModule, "nf-wdm-iowmiwriteevent", Coverage::partial, "the event is freed: nothing consumes it"),
  };
}

}  // namespace drydock::ddi
