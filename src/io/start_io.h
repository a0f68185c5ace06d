#pragma once
// StartIo: a driver's queue of requests for a device that takes one at a time. The WDK's structures are the storage:
// DEVICE_OBJECT.DeviceQueue holds what waits, CurrentIrp what is under way. Drivers take entries out of the
// device queue by routines of the kernel.

#include <map>
#include <optional>

#include "io/io_services.h"

namespace drydock {

class IoManager;

/// KDEVICE_QUEUE: not busy, or busy with one entry outside and the others in the list, linked by the driver's addresses.
class DeviceQueue {
 public:
  /// `queue` is drydock's alias of what the driver knows as `address`.
  DeviceQueue(IoHost& host, KDEVICE_QUEUE& queue, KDEVICE_QUEUE* address) : host_(host), queue_(queue), head_(&address->DeviceListHead) {}
  bool busy() const { return queue_.Busy != FALSE; }
  /// False: it was not busy, and is now; the entry is the caller's. Without a key: last.
  bool insert(KDEVICE_QUEUE_ENTRY* entry, std::optional<ULONG> key);
  /// Null: the queue was empty, and is no longer busy.
  KDEVICE_QUEUE_ENTRY* remove(std::optional<ULONG> key);

 private:
  template <class T>
  T* alias(T* address) const {
    return reinterpret_cast<T*>(host_.memory_at(address, sizeof(T), true));
  }
  LIST_ENTRY* first_from(ULONG key) const;
  void unlink(LIST_ENTRY* link);
  IoHost& host_;
  KDEVICE_QUEUE& queue_;
  LIST_ENTRY* head_;  ///< the driver's address
};

class StartIo {
 public:
  StartIo(const IoServices& services, IoManager& manager) : services_(services), manager_(manager) {}

  void set_attributes(const DEVICE_OBJECT* device, bool deferred, bool noncancelable);
  void packet(DEVICE_OBJECT* device, IRP* irp, std::optional<ULONG> key, PDRIVER_CANCEL cancel, const CodePlace& where);
  void next_packet(DEVICE_OBJECT* device, bool cancelable, std::optional<ULONG> key, const CodePlace& where);
  void device_is_gone(const DEVICE_OBJECT* device) { states_.erase(device); }

 private:
  struct State {
    bool deferred = false, noncancelable = false, catching_up = false;
    unsigned inside = 0;              ///< calls of StartIo in progress
    const Fiber* fiber = nullptr;     ///< of the innermost
    unsigned owed = 0;                ///< IoStartNextPacket calls that were put off
    bool owed_cancelable = false;
    std::optional<ULONG> owed_key;
  };
  void start(DEVICE_OBJECT* device, IRP* irp);
  void take_next(DEVICE_OBJECT* device, bool cancelable, std::optional<ULONG> key, const CodePlace& where);

  const IoServices& services_;
  IoManager& manager_;
  std::map<const DEVICE_OBJECT*, State> states_;
};

}  // namespace drydock
