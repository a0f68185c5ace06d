#pragma once
// File objects: what stands for an opened device. A handle's closing is IRP_MJ_CLEANUP; with the last reference goes
// IRP_MJ_CLOSE, and the hold on the device.

#include <string_view>

#include "io/irp_waiter.h"
#include "io/object_table.h"

namespace drydock {

class FileObject final : public CountedObject {
 public:
  FileObject(IoManager& manager, FILE_OBJECT* file, DEVICE_OBJECT* device);
  ~FileObject() override;

  FILE_OBJECT* raw() const { return file_; }
  /// The one that was named.
  DEVICE_OBJECT* device() const { return device_; }
  /// IRP_MJ_CREATE succeeded: it will be closed.
  void opened() { open_ = true; }

 private:
  IoManager& manager_;
  FILE_OBJECT* file_;
  DEVICE_OBJECT* device_;
  bool open_ = false;
};

/// What keeps an opening from being tried: STATUS_SUCCESS, or why not.
NTSTATUS may_be_opened(const DEVICE_OBJECT* device);

/// A file object for the device, held; `rest` is what followed the device's name. Null: no memory.
FileObject* make_file_object(IoManager& manager, ObjectTable& objects, DEVICE_OBJECT* device, std::u16string_view rest, std::uint8_t access);

struct OpenedForDriver {
  NTSTATUS status = STATUS_SUCCESS;
  FileObject* file = nullptr;  ///< one reference, the driver's
};
/// Opens a device on behalf of a driver and closes the handle: the file object stays. On a thread at PASSIVE_LEVEL.
OpenedForDriver open_for_driver(IoManager& manager, ObjectTable& objects, std::u16string_view name, std::uint8_t access);

}  // namespace drydock
