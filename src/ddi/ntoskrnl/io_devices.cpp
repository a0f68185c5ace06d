// ntoskrnl.exe: Io…: device objects, their names, and how they stand on each other.

#include <fmt/format.h>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/unicode.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

DeviceObjects& devices(Call& call) { return call.kernel().io().devices(); }

NTSTATUS create_device(Call& call, DRIVER_OBJECT* driver, ULONG extension_bytes, UNICODE_STRING* name, DEVICE_TYPE type, ULONG characteristics,
                       BOOLEAN exclusive, DEVICE_OBJECT** device) {
  DEVICE_OBJECT** host = call.object(device, "DeviceObject");
  if (host == nullptr || call.object(driver, "DriverObject") == nullptr) return STATUS_INVALID_PARAMETER;
  const std::u16string text = unicode_text(call, name, "DeviceName");
  *host = nullptr;
  return devices(call).create(driver, {extension_bytes, text, type, characteristics, exclusive != 0}, call.place(), host);
}

/// DOC: VER-195 what lies in the extension of a device that goes away.
void end_extension(Call& call, const DEVICE_OBJECT* device) {
  const auto* end = reinterpret_cast<const std::byte*>(device->DeviceObjectExtension);
  for (const RemoveLocks::Lock& lock : call.kernel().io().remove_locks().evict(device, static_cast<std::size_t>(end - reinterpret_cast<const std::byte*>(device))))
    for (const RemoveLocks::Holder& holder : lock.holders)
      call.broken("VER-195", "", fmt::format("IoDeleteDevice of a device whose remove lock is held (tag {:#x}, acquired at {})", reinterpret_cast<std::uint64_t>(holder.tag), call.kernel().name_of(holder.where.rip)));
}

void delete_device(Call& call, DEVICE_OBJECT* device) {
  if (const DeviceFacts* facts = devices(call).find(device); facts != nullptr && !facts->deleted) {
    end_extension(call, device);
    call.kernel().io().timers().remove(device);
    call.kernel().io().start_io().device_is_gone(device);
  }
  devices(call).remove(device, call.place());
}

DEVICE_OBJECT* attach_to_stack(Call& call, DEVICE_OBJECT* source, DEVICE_OBJECT* target) {
  return devices(call).attach(source, target);
}
NTSTATUS attach_to_stack_safe(Call& call, DEVICE_OBJECT* source, DEVICE_OBJECT* target, DEVICE_OBJECT** below) {
  DEVICE_OBJECT** host = call.object(below, "AttachedToDeviceObject");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  *host = devices(call).attach(source, target);
  return *host == nullptr ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}
NTSTATUS attach_by_name(Call& call, DEVICE_OBJECT* source, UNICODE_STRING* name, DEVICE_OBJECT** below) {
  DEVICE_OBJECT** host = call.object(below, "AttachedDevice");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  const auto found = devices(call).names().find(unicode_text(call, name, "TargetDevice"));
  if (found.device == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
  *host = devices(call).attach(source, found.device);
  return *host == nullptr ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}
void detach_device(Call& call, DEVICE_OBJECT* target) { devices(call).detach(target, call.place()); }

/// The top of the stack, held until ObDereferenceObject.
DEVICE_OBJECT* attached_device_reference(Call& call, DEVICE_OBJECT* device) {
  if (devices(call).find(device) == nullptr) return nullptr;
  DEVICE_OBJECT* top = DeviceObjects::top_of(device);
  devices(call).hold(top);
  return top;
}
DEVICE_OBJECT* attached_device(Call& call, DEVICE_OBJECT* device) {
  return devices(call).find(device) == nullptr ? nullptr : DeviceObjects::top_of(device);
}
DEVICE_OBJECT* lower_device(Call& call, DEVICE_OBJECT* device) {
  const DeviceFacts* facts = devices(call).find(device);
  if (facts == nullptr || facts->below == nullptr) return nullptr;
  devices(call).hold(facts->below);
  return facts->below;
}

NTSTATUS create_symbolic_link(Call& call, UNICODE_STRING* name, UNICODE_STRING* target) {
  return devices(call).names().add_link(unicode_text(call, name, "SymbolicLinkName"), unicode_text(call, target, "DeviceName"));
}
NTSTATUS delete_symbolic_link(Call& call, UNICODE_STRING* name) {
  return devices(call).names().remove_link(unicode_text(call, name, "SymbolicLinkName"));
}

// --- what a driver keeps with its driver object --------------------------------------------------------------------------------

NTSTATUS allocate_driver_extension(Call& call, DRIVER_OBJECT* driver, void* id, ULONG bytes, void** extension) {
  void** host = call.object(extension, "DriverObjectExtension");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  return call.kernel().io().extensions().allocate(driver, id, bytes, host);
}
void* get_driver_extension(Call& call, DRIVER_OBJECT* driver, void* id) { return call.kernel().io().extensions().find(driver, id); }

}  // namespace

std::vector<Row> io_device_rows() {
  return {
      routine<"IoCreateDevice", kApcLevel, &create_device>(kModule, "nf-wdm-iocreatedevice"),
      routine<"IoDeleteDevice", kApcLevel, &delete_device>(kModule, "nf-wdm-iodeletedevice"),
      routine<"IoAttachDevice", kPassiveLevel, &attach_by_name>(kModule, "nf-wdm-ioattachdevice", Coverage::partial, "the device is attached without being opened first"),
      routine<"IoAttachDeviceToDeviceStack", kDispatchLevel, &attach_to_stack>(kModule, "nf-wdm-ioattachdevicetodevicestack"),
      routine<"IoAttachDeviceToDeviceStackSafe", kDispatchLevel, &attach_to_stack_safe>(kModule, "nf-ntifs-ioattachdevicetodevicestacksafe"),
      routine<"IoDetachDevice", kPassiveLevel, &detach_device>(kModule, "nf-wdm-iodetachdevice"),
      routine<"IoGetAttachedDeviceReference", kDispatchLevel, &attached_device_reference>(kModule, "nf-wdm-iogetattacheddevicereference"),
      routine<"IoGetAttachedDevice", kDispatchLevel, &attached_device>(kModule, "nf-ntifs-iogetattacheddevice"),
      routine<"IoGetLowerDeviceObject", kDispatchLevel, &lower_device>(kModule, "nf-ntifs-iogetlowerdeviceobject"),
      routine<"IoCreateSymbolicLink", kPassiveLevel, &create_symbolic_link>(kModule, "nf-wdm-iocreatesymboliclink"),
      routine<"IoCreateUnprotectedSymbolicLink", kPassiveLevel, &create_symbolic_link>(kModule, "nf-wdm-iocreateunprotectedsymboliclink"),
      routine<"IoDeleteSymbolicLink", kPassiveLevel, &delete_symbolic_link>(kModule, "nf-wdm-iodeletesymboliclink"),
      routine<"IoAllocateDriverObjectExtension", kApcLevel, &allocate_driver_extension>(kModule, "nf-wdm-ioallocatedriverobjectextension"),
      routine<"IoGetDriverObjectExtension", kDispatchLevel, &get_driver_extension>(kModule, "nf-wdm-iogetdriverobjectextension"),
  };
}

}  // namespace drydock::ddi
