// ntoskrnl.exe: Ps…, Ob… and ZwClose: threads, references and handles.

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

ObjectTable& table_of(Call& call) { return call.kernel().objects().objects; }
KernelThreads& threads_of(Call& call) { return call.kernel().objects().threads; }
/// For a record that outlives the call: its stack will be gone.
CodePlace kept_place(Call& call) {
  const CodePlace where = call.place();
  return {where.rip, 0, 0, where.is_return_address};
}

// --- handles and references. DOC: VER-166 -------------------------------------------------------------------------------------

/// Null after a finding.
CountedObject* by_handle(Call& call, HANDLE handle) {
  CountedObject* object = table_of(call).by_handle(reinterpret_cast<std::uint64_t>(handle));
  if (object == nullptr)
    call.broken("VER-166", handle == nullptr ? "0xC4/0xF5" : "0xC4/0x3C",
                fmt::format("{} was given {:#x}, which is no open handle", call.name(), reinterpret_cast<std::uint64_t>(handle)));
  return object;
}

NTSTATUS close(Call& call, HANDLE handle) {
  if (by_handle(call, handle) == nullptr) return STATUS_INVALID_HANDLE;
  table_of(call).close(reinterpret_cast<std::uint64_t>(handle));
  return STATUS_SUCCESS;
}

/// The kinds that a driver can name by a type object of the kernel; the variables hold the addresses of these.
constexpr char kThreadTypeObject = 0, kProcessTypeObject = 0, kEventTypeObject = 0, kFileTypeObject = 0, kSemaphoreTypeObject = 0;
const void* const kThreadType = &kThreadTypeObject;
const void* const kProcessType = &kProcessTypeObject;
const void* const kEventType = &kEventTypeObject;
const void* const kFileType = &kFileTypeObject;
const void* const kSemaphoreType = &kSemaphoreTypeObject;

bool has_type(const CountedObject& object, const void* type) {
  if (type == nullptr) return true;
  switch (object.kind) {
    case CountedKind::thread: return type == kThreadType;
    case CountedKind::process: return type == kProcessType;
    case CountedKind::event: return type == kEventType;
    case CountedKind::file: return type == kFileType;
    default: return false;
  }
}

NTSTATUS reference_by_handle(Call& call, HANDLE handle, ACCESS_MASK, void* type, CCHAR, void** object, void*) {
  void** host = call.object(object, "Object");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  *host = nullptr;
  CountedObject* found = by_handle(call, handle);
  if (found == nullptr) return STATUS_INVALID_HANDLE;
  if (!has_type(*found, type) || found->address == nullptr) return STATUS_OBJECT_TYPE_MISMATCH;
  table_of(call).reference(*found);
  *host = const_cast<void*>(found->address);
  return STATUS_SUCCESS;
}

/// A thread that is none of the driver's own is counted by nobody: it lives as long as the machine.
bool is_a_thread(Call& call, const void* object) { return object != nullptr && call.scheduler().thread_of_object(object) != nullptr; }

/// Devices are counted by the I/O manager.
bool change_device(Call& call, void* address, int by) {
  DeviceObjects& devices = call.kernel().io().devices();
  auto* device = static_cast<DEVICE_OBJECT*>(address);
  if (devices.find(device) == nullptr) return false;
  by > 0 ? devices.hold(device) : devices.let_go(device);
  return true;
}

LONG_PTR change_references(Call& call, void* address, int by) {
  CountedObject* object = table_of(call).find(address);
  if (object != nullptr) return by > 0 ? table_of(call).reference(*object) : table_of(call).dereference(*object);
  if (change_device(call, address, by)) return 1;
  if (!is_a_thread(call, address)) call.broken("VER-166", "", fmt::format("{} was given an address that is no object's", call.name()));
  return 1;
}
LONG_PTR reference(Call& call, void* object) { return change_references(call, object, 1); }
LONG_PTR dereference(Call& call, void* object) { return change_references(call, object, -1); }
LONG_PTR reference_tagged(Call& call, void* object, ULONG) { return reference(call, object); }
LONG_PTR dereference_tagged(Call& call, void* object, ULONG) { return dereference(call, object); }

NTSTATUS reference_by_pointer(Call& call, void* address, ACCESS_MASK, void* type, CCHAR) {
  CountedObject* object = table_of(call).find(address);
  if (object != nullptr && !has_type(*object, type)) return STATUS_OBJECT_TYPE_MISMATCH;
  reference(call, address);
  return STATUS_SUCCESS;
}

// --- threads --------------------------------------------------------------------------------------------------------------

struct ClientId {
  HANDLE process, thread;
};
constexpr std::uint64_t kSystemProcessId = 4;

NTSTATUS create_system_thread(Call& call, HANDLE* handle, ULONG, OBJECT_ATTRIBUTES*, HANDLE, ClientId* id, PKSTART_ROUTINE routine, void* context) {
  HANDLE* host = call.object(handle, "ThreadHandle");
  if (host == nullptr || routine == nullptr) return STATUS_INVALID_PARAMETER;
  CountedObject* thread = threads_of(call).create(routine, context, kept_place(call));
  if (thread == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  *host = reinterpret_cast<HANDLE>(table_of(call).open(*thread, kept_place(call)));
  if (id == nullptr) return STATUS_SUCCESS;
  if (ClientId* id_host = call.object(id, "ClientId")) *id_host = {reinterpret_cast<HANDLE>(kSystemProcessId), *host};
  return STATUS_SUCCESS;
}

// Does not return to the thread it ends.
NTSTATUS terminate_system_thread(Call& call, NTSTATUS status) {
  const EntryGuard* guard = call.scheduler().fiber().innermost_guard();
  if (threads_of(call).current_is_system() && guard != nullptr && guard->outer == nullptr) threads_of(call).end_current(status);
  call.broken("VER-166", "", "PsTerminateSystemThread ends the system thread that calls it; it was called on another thread, or inside a routine that the system called");
  return STATUS_INVALID_PARAMETER;
}

void* current_thread(Call& call) { return reinterpret_cast<void*>(current_thread_object(call)); }
HANDLE current_thread_id(Call& call) { return reinterpret_cast<HANDLE>(std::uint64_t{threads_of(call).id_of(call.scheduler().thread())}); }
HANDLE thread_id(Call& call, void* thread) { return reinterpret_cast<HANDLE>(std::uint64_t{threads_of(call).id_of(call.scheduler().thread_of_object(thread))}); }
NTSTATUS thread_exit_status(Call& call, void* thread) {
  const CountedObject* object = table_of(call).find(thread);
  return object == nullptr ? STATUS_PENDING : threads_of(call).exit_status(*object).value_or(STATUS_PENDING);
}
BOOLEAN is_system_thread(Call& call, void* thread) { return table_of(call).find(thread) != nullptr; }

BOOLEAN get_version(Call& call, ULONG* major, ULONG* minor, ULONG* build, UNICODE_STRING* service_pack) {
  const auto put = [&](ULONG* to, ULONG value, const char* what) {
    if (to != nullptr)
      if (ULONG* host = call.object(to, what)) *host = value;
  };
  put(major, 10, "MajorVersion");
  put(minor, 0, "MinorVersion");
  put(build, 19045, "BuildNumber");
  if (service_pack != nullptr)
    if (UNICODE_STRING* host = call.object(service_pack, "CSDVersion")) *host = {};
  return FALSE;  // a free build
}

}  // namespace

std::vector<Row> ps_rows() {
  const char* no_access = "access rights are not checked: a driver runs in kernel mode";
  return {
      routine<"ZwClose", kPassiveLevel, &close>(kModule, "nf-wdm-zwclose"),
      routine<"ObCloseHandle", kPassiveLevel, &close>(kModule, "nf-wdm-obclosehandle"),
      routine<"ObReferenceObjectByHandle", kPassiveLevel, &reference_by_handle>(kModule, "nf-wdm-obreferenceobjectbyhandle", Coverage::partial, no_access),
      routine<"ObReferenceObjectByPointer", kDispatchLevel, &reference_by_pointer>(kModule, "nf-wdm-obreferenceobjectbypointer", Coverage::partial, no_access),
      routine<"ObfReferenceObject", kDispatchLevel, &reference>(kModule, "nf-wdm-obfreferenceobject"),
      routine<"ObfDereferenceObject", kDispatchLevel, &dereference>(kModule, "nf-wdm-obdereferenceobject"),
      routine<"ObDereferenceObjectDeferDelete", kDispatchLevel, &dereference>(kModule, "nf-wdm-obdereferenceobjectdeferdelete"),
      routine<"ObfReferenceObjectWithTag", kDispatchLevel, &reference_tagged>(kModule, "nf-wdm-obreferenceobjectwithtag"),
      routine<"ObfDereferenceObjectWithTag", kDispatchLevel, &dereference_tagged>(kModule, "nf-wdm-obdereferenceobjectwithtag"),
      routine<"PsCreateSystemThread", kPassiveLevel, &create_system_thread>(kModule, "nf-wdm-pscreatesystemthread", Coverage::partial, "in the system process only"),
      routine<"PsTerminateSystemThread", kPassiveLevel, &terminate_system_thread>(kModule, "nf-wdm-psterminatesystemthread"),
      routine<"PsGetCurrentThread", kAnyIrql, &current_thread>(kModule, "nf-wdm-psgetcurrentthread"),
      routine<"KeGetCurrentThread", kAnyIrql, &current_thread>(kModule, "nf-wdm-kegetcurrentthread"),
      routine<"PsGetCurrentThreadId", kAnyIrql, &current_thread_id>(kModule, "nf-ntddk-psgetcurrentthreadid"),
      routine<"PsGetThreadId", kDispatchLevel, &thread_id>(kModule, "nf-ntddk-psgetthreadid"),
      routine<"PsGetThreadExitStatus", kApcLevel, &thread_exit_status>(kModule, "nf-ntddk-psgetthreadexitstatus"),
      routine<"PsIsSystemThread", kDispatchLevel, &is_system_thread>(kModule, "nf-ntifs-psissystemthread"),
      routine<"PsGetVersion", kPassiveLevel, &get_version>(kModule, "nf-wdm-psgetversion"),
      data_row("PsThreadType", kModule, &kThreadType, "nf-wdm-obreferenceobjectbyhandle"),
      data_row("PsProcessType", kModule, &kProcessType, "nf-wdm-obreferenceobjectbyhandle"),
      data_row("ExEventObjectType", kModule, &kEventType, "nf-wdm-obreferenceobjectbyhandle"),
      data_row("ExSemaphoreObjectType", kModule, &kSemaphoreType, "nf-wdm-obreferenceobjectbyhandle"),
      data_row("IoFileObjectType", kModule, &kFileType, "nf-wdm-obreferenceobjectbyhandle"),
  };
}

}  // namespace drydock::ddi
