// ntoskrnl.exe: Io…: opening other drivers' devices, who a request comes from, shutdown and reinitialisation, the error log.

#include <cstring>

#include <fmt/format.h>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/unicode.h"
#include "ddi/pool.h"
#include "io/file_objects.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr std::uint32_t kErrorLogTag = 0x72457249;  // 'IrEr'
constexpr std::uint32_t kErrorLogMaximum = 240;

IoManager& io(Call& call) { return call.kernel().io(); }

std::uint8_t access_of(ACCESS_MASK desired) {
  constexpr ACCESS_MASK kRead = FILE_READ_DATA | GENERIC_READ | GENERIC_ALL, kWrite = FILE_WRITE_DATA | GENERIC_WRITE | GENERIC_ALL;
  return static_cast<std::uint8_t>(((desired & kRead) != 0 ? FILE_READ_ACCESS : 0) | ((desired & kWrite) != 0 ? FILE_WRITE_ACCESS : 0));
}

// The device is opened, and the handle closed again: what stays is the reference to the file object.
NTSTATUS get_device_object_pointer(Call& call, UNICODE_STRING* name, ACCESS_MASK desired, FILE_OBJECT** file, DEVICE_OBJECT** device) {
  FILE_OBJECT** host_file = call.object(file, "FileObject");
  DEVICE_OBJECT** host_device = call.object(device, "DeviceObject");
  if (host_file == nullptr || host_device == nullptr) return STATUS_INVALID_PARAMETER;
  const OpenedForDriver opened = open_for_driver(io(call), call.kernel().objects().objects, unicode_text(call, name, "ObjectName"), access_of(desired));
  if (opened.status < 0) return opened.status;
  *host_file = opened.file->raw();
  *host_device = DeviceObjects::top_of(opened.file->device());
  return STATUS_SUCCESS;
}

// --- who a request comes from ---------------------------------------------------------------------------------------------

const ProcessContext* requestor(Call& call, IRP* irp) {
  const Thread* thread = irp->Tail.Overlay.Thread == nullptr ? nullptr : call.scheduler().thread_of_object(irp->Tail.Overlay.Thread);
  return thread == nullptr ? nullptr : thread->process;
}
void* requestor_process(Call& call, IRP* irp) {
  if (call.object(irp, "Irp") == nullptr || irp->Tail.Overlay.Thread == nullptr) return nullptr;
  return io(call).process_object(requestor(call, irp));
}
ULONG requestor_process_id(Call& call, IRP* irp) {
  if (call.object(irp, "Irp") == nullptr || irp->Tail.Overlay.Thread == nullptr) return 0;
  return IoManager::process_id(requestor(call, irp));
}
void* current_process(Call& call) { return io(call).process_object(call.scheduler().process()); }
BOOLEAN is_32bit_process(Call&, IRP*) { return FALSE; }

NTSTATUS validate_control_access(Call& call, IRP* irp, ULONG required) {
  if (call.object(irp, "Irp") == nullptr) return STATUS_INVALID_PARAMETER;
  if (irp->RequestorMode == KernelMode) return STATUS_SUCCESS;
  const FILE_OBJECT* file = Irp(irp).current().FileObject;
  if (file == nullptr) return STATUS_ACCESS_DENIED;
  const bool lacks_read = (required & FILE_READ_ACCESS) != 0 && !file->ReadAccess, lacks_write = (required & FILE_WRITE_ACCESS) != 0 && !file->WriteAccess;
  return lacks_read || lacks_write ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

// --- the life of the system -----------------------------------------------------------------------------------------------

NTSTATUS register_shutdown(Call& call, DEVICE_OBJECT* device) {
  DeviceFacts* facts = io(call).devices().find(device);
  if (facts == nullptr) return STATUS_INVALID_PARAMETER;
  facts->told_of_shutdown = true;
  device->Flags |= DO_SHUTDOWN_REGISTERED;
  return STATUS_SUCCESS;
}
void unregister_shutdown(Call& call, DEVICE_OBJECT* device) {
  DeviceFacts* facts = io(call).devices().find(device);
  if (facts == nullptr) return;
  facts->told_of_shutdown = false;
  device->Flags &= ~static_cast<ULONG>(DO_SHUTDOWN_REGISTERED);
}
void register_reinitialization(Call& call, DRIVER_OBJECT* driver, PDRIVER_REINITIALIZE routine, void* context) {
  io(call).reinitializations().push_back({driver, routine, context});
}

// --- the error log. What is written goes to the debug output: nobody reads a log here ------------------------------------------

void* allocate_error_log_entry(Call& call, void* object, UCHAR bytes) {
  if (object == nullptr || bytes > kErrorLogMaximum) return nullptr;
  void* memory = pool_allocate(call, bytes, kErrorLogTag);
  if (memory != nullptr) std::memset(call.range(memory, bytes, true, "ElEntry"), 0, bytes);
  return memory;
}
void free_error_log_entry(Call& call, void* entry) { pool_free(call, entry); }
void write_error_log_entry(Call& call, void* entry) {
  constexpr std::size_t kErrorCode = 12;  // IO_ERROR_LOG_PACKET.ErrorCode
  std::uint32_t code = 0;
  if (const std::byte* host = call.range(entry, kErrorCode + sizeof code, false, "ElEntry")) std::memcpy(&code, host + kErrorCode, sizeof code);
  call.kernel().debug_print(fmt::format("error log: code {:#010x}", code));
  pool_free(call, entry);
}

// --- power ----------------------------------------------------------------------------------------------------------------

void start_next_power_irp(Call&, IRP*) {}
ULONG set_power_state(Call& call, DEVICE_OBJECT* device, POWER_STATE_TYPE type, ULONG state) {
  DeviceFacts* facts = io(call).devices().find(device);
  if (facts == nullptr || type != DevicePowerState) return state;
  return std::exchange(facts->power_state, state);
}

}  // namespace

std::vector<Row> io_process_rows() {
  return {
      routine<"IoGetDeviceObjectPointer", kPassiveLevel, &get_device_object_pointer>(kModule, "nf-wdm-iogetdeviceobjectpointer", Coverage::partial, "DesiredAccess is not checked"),
      routine<"IoGetRequestorProcess", kDispatchLevel, &requestor_process>(kModule, "nf-ntifs-iogetrequestorprocess"),
      routine<"IoGetRequestorProcessId", kDispatchLevel, &requestor_process_id>(kModule, "nf-ntifs-iogetrequestorprocessid"),
      routine<"IoGetCurrentProcess", kAnyIrql, &current_process>(kModule, "nf-wdm-iogetcurrentprocess"),
      routine<"IoIs32bitProcess", kDispatchLevel, &is_32bit_process>(kModule, "nf-wdm-iois32bitprocess"),
      routine<"IoValidateDeviceIoControlAccess", kAnyIrql, &validate_control_access>(kModule, "nf-wdm-iovalidatedeviceiocontrolaccess"),
      routine<"IoRegisterShutdownNotification", kPassiveLevel, &register_shutdown>(kModule, "nf-wdm-ioregistershutdownnotification"),
      routine<"IoUnregisterShutdownNotification", kPassiveLevel, &unregister_shutdown>(kModule, "nf-wdm-iounregistershutdownnotification"),
      routine<"IoRegisterDriverReinitialization", kPassiveLevel, &register_reinitialization>(kModule, "nf-ntddk-ioregisterdriverreinitialization"),
      routine<"IoRegisterBootDriverReinitialization", kPassiveLevel, &register_reinitialization>(kModule, "nf-ntddk-ioregisterbootdriverreinitialization"),
      routine<"IoAllocateErrorLogEntry", kDispatchLevel, &allocate_error_log_entry>(kModule, "nf-wdm-ioallocateerrorlogentry"),
      routine<"IoFreeErrorLogEntry", kDispatchLevel, &free_error_log_entry>(kModule, "nf-wdm-iofreeerrorlogentry"),
      routine<"IoWriteErrorLogEntry", kDispatchLevel, &write_error_log_entry>(kModule, "nf-wdm-iowriteerrorlogentry", Coverage::partial, "the code goes to the debug output: there is no event log"),
      routine<"PoStartNextPowerIrp", kDispatchLevel, &start_next_power_irp>(kModule, "nf-wdm-postartnextpowerirp"),
      routine<"PoSetPowerState", kDispatchLevel, &set_power_state>(kModule, "nf-wdm-posetpowerstate"),
  };
}

}  // namespace drydock::ddi
