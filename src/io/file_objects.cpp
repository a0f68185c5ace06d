#include "io/file_objects.h"

#include <cstring>

namespace drydock {

namespace {

constexpr std::uint32_t kFileTag = 0x656C6946;  // 'File'
constexpr CSHORT kFileType = 5;                 // IO_TYPE_FILE

IO_STACK_LOCATION location_of(unsigned major, FILE_OBJECT* file) {
  IO_STACK_LOCATION location{};
  location.MajorFunction = static_cast<UCHAR>(major);
  location.FileObject = file;
  return location;
}

/// The end of a file object whose last reference went where nobody can wait.
struct LateClose final : Task {
  LateClose(IoManager& m, FILE_OBJECT* f, DEVICE_OBJECT* d) : manager(m), file(f), device(d) {}
  void run() override {
    end();
    delete this;
  }
  void end() {
    SystemRequest(manager).send(DeviceObjects::top_of(device), location_of(IRP_MJ_CLOSE, file));
    manager.devices().let_go(device);
    (void)manager.services().pool.free(file);
  }
  IoManager& manager;
  FILE_OBJECT* file;
  DEVICE_OBJECT* device;
};

/// A file object and, behind it, the rest of the name it was opened by.
FILE_OBJECT* format_file(Pool& pool, DEVICE_OBJECT* device, std::u16string_view rest, std::uint8_t access) {
  const std::size_t text_bytes = rest.size() * sizeof(char16_t), bytes = sizeof(FILE_OBJECT) + text_bytes;
  auto* file = static_cast<FILE_OBJECT*>(pool.allocate(bytes, PoolKind::nonpaged, kFileTag));
  if (file == nullptr) return nullptr;
  std::memset(static_cast<void*>(file), 0, bytes);
  file->Type = kFileType;
  file->Size = sizeof(FILE_OBJECT);
  file->DeviceObject = device;
  file->ReadAccess = (access & FILE_READ_ACCESS) != 0;
  file->WriteAccess = (access & FILE_WRITE_ACCESS) != 0;
  std::memcpy(static_cast<void*>(file + 1), rest.data(), text_bytes);
  file->FileName.Buffer = reinterpret_cast<decltype(file->FileName.Buffer)>(file + 1);
  file->FileName.Length = file->FileName.MaximumLength = static_cast<USHORT>(text_bytes);
  return file;
}

}  // namespace

FileObject::FileObject(IoManager& manager, FILE_OBJECT* file, DEVICE_OBJECT* device)
    : CountedObject(CountedKind::file, file), manager_(manager), file_(file), device_(device) {
  manager_.devices().hold(device_);
}

// What is left when the machine ends is closed by nobody.
FileObject::~FileObject() {
  Scheduler& scheduler = manager_.services().scheduler;
  if (!scheduler.on_fiber() || scheduler.halted() || !open_) {
    manager_.devices().let_go(device_);
    (void)manager_.services().pool.free(file_);
  } else if (scheduler.irql() == kPassiveLevel && scheduler.thread() != nullptr) {
    LateClose(manager_, file_, device_).end();
  } else {
    scheduler.queue_task(*new LateClose(manager_, file_, device_), scheduler.cpu().index);
  }
}

NTSTATUS may_be_opened(const DEVICE_OBJECT* device) {
  if (device == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
  if ((device->Flags & DO_EXCLUSIVE) != 0 && device->ReferenceCount != 0) return STATUS_ACCESS_DENIED;
  return (device->Flags & DO_DEVICE_INITIALIZING) != 0 ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

FileObject* make_file_object(IoManager& manager, ObjectTable& objects, DEVICE_OBJECT* device, std::u16string_view rest, std::uint8_t access) {
  FILE_OBJECT* file = format_file(manager.services().pool, device, rest, access);
  return file == nullptr ? nullptr : &static_cast<FileObject&>(objects.add(std::make_unique<FileObject>(manager, file, device)));
}

OpenedForDriver open_for_driver(IoManager& manager, ObjectTable& objects, std::u16string_view name, std::uint8_t access) {
  const ObjectNames::Found found = manager.devices().names().find(name);
  if (const NTSTATUS status = may_be_opened(found.device); status != STATUS_SUCCESS) return {status};
  FileObject* file = make_file_object(manager, objects, found.device, found.rest, access);
  if (file == nullptr) return {STATUS_INSUFFICIENT_RESOURCES};
  DEVICE_OBJECT* top = DeviceObjects::top_of(found.device);
  const NTSTATUS status = SystemRequest(manager).send(top, location_of(IRP_MJ_CREATE, file->raw())).status;
  if (status < 0) return objects.dereference(*file), OpenedForDriver{status};
  file->opened();
  SystemRequest(manager).send(top, location_of(IRP_MJ_CLEANUP, file->raw()));
  return {STATUS_SUCCESS, file};
}

}  // namespace drydock
