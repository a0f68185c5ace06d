#include "io/start_io.h"

#include <fmt/format.h>

#include "io/io_manager.h"

namespace drydock {

namespace {
constexpr std::uint32_t kDeviceQueueNotBusy = 0x2;

KDEVICE_QUEUE_ENTRY* entry_of(LIST_ENTRY* link) { return reinterpret_cast<KDEVICE_QUEUE_ENTRY*>(link); }
IRP* irp_of(KDEVICE_QUEUE_ENTRY* entry) {
  return reinterpret_cast<IRP*>(reinterpret_cast<std::byte*>(entry) - offsetof(IRP, Tail.Overlay.DeviceQueueEntry));
}
}  // namespace

// --- device queues --------------------------------------------------------------------------------------------------------

/// The first entry whose key is not less; the head when there is none.
LIST_ENTRY* DeviceQueue::first_from(ULONG key) const {
  LIST_ENTRY* at = queue_.DeviceListHead.Flink;
  for (; at != head_; at = alias(at)->Flink) {
    const auto* entry = alias(entry_of(at));
    if (entry == nullptr) return head_;
    if (entry->SortKey >= key) break;
  }
  return at;
}

bool DeviceQueue::insert(KDEVICE_QUEUE_ENTRY* address, std::optional<ULONG> key) {
  KDEVICE_QUEUE_ENTRY* entry = alias(address);
  if (entry == nullptr) return false;
  entry->Inserted = busy();
  if (key) entry->SortKey = *key;
  if (!busy()) return queue_.Busy = TRUE, false;
  LIST_ENTRY* after = head_;
  if (key)
    for (after = first_from(*key); after != head_ && alias(entry_of(after))->SortKey == *key;) after = alias(after)->Flink;
  LIST_ENTRY* const link = &address->DeviceListEntry;
  LIST_ENTRY* const before = alias(after)->Blink;
  entry->DeviceListEntry = {after, before};
  alias(after)->Blink = link;
  alias(before)->Flink = link;
  return true;
}

void DeviceQueue::unlink(LIST_ENTRY* link) {
  KDEVICE_QUEUE_ENTRY* entry = alias(entry_of(link));
  alias(entry->DeviceListEntry.Blink)->Flink = entry->DeviceListEntry.Flink;
  alias(entry->DeviceListEntry.Flink)->Blink = entry->DeviceListEntry.Blink;
  entry->Inserted = FALSE;
}

KDEVICE_QUEUE_ENTRY* DeviceQueue::remove(std::optional<ULONG> key) {
  LIST_ENTRY* first = queue_.DeviceListHead.Flink;
  if (first == head_) return queue_.Busy = FALSE, nullptr;
  if (key)
    if (LIST_ENTRY* from = first_from(*key); from != head_) first = from;
  unlink(first);
  return entry_of(first);
}

// --- StartIo --------------------------------------------------------------------------------------------------------------

void StartIo::set_attributes(const DEVICE_OBJECT* device, bool deferred, bool noncancelable) {
  states_[device].deferred = deferred;
  states_[device].noncancelable = noncancelable;
}

// One after another: what IoStartNextPacket asked for meanwhile comes when the routine has returned.
void StartIo::start(DEVICE_OBJECT* device, IRP* irp) {
  State& state = states_[device];
  const Fiber* outer = std::exchange(state.fiber, &services_.scheduler.fiber());
  ++state.inside;
  services_.call("DRIVER_STARTIO", EntryKind::routine, device->DriverObject->DriverStartIo, device, irp);
  const auto still = states_.find(device);
  if (still == states_.end()) return;
  --still->second.inside;
  still->second.fiber = outer;
  if (still->second.inside != 0 || still->second.catching_up) return;
  still->second.catching_up = true;
  while (states_.contains(device) && states_[device].owed != 0) {
    --states_[device].owed;
    take_next(device, states_[device].owed_cancelable, states_[device].owed_key, {});
  }
  if (states_.contains(device)) states_[device].catching_up = false;
}

void StartIo::packet(DEVICE_OBJECT* device, IRP* irp, std::optional<ULONG> key, PDRIVER_CANCEL cancel, const CodePlace& where) {
  const Irql before = services_.scheduler.raise_irql(kDispatchLevel);
  if (cancel != nullptr) {
    manager_.acquire_cancel_lock(where);
    irp->CancelRoutine = cancel;
  }
  const bool waits = DeviceQueue(manager_.host(), device->DeviceQueue, &device->DeviceQueue).insert(&irp->Tail.Overlay.DeviceQueueEntry, key);
  if (!waits) {
    device->CurrentIrp = irp;
    if (cancel != nullptr && states_[device].noncancelable) irp->CancelRoutine = nullptr;
  }
  const bool cancelled_meanwhile = waits && cancel != nullptr && irp->Cancel;
  if (cancel != nullptr) manager_.release_cancel_lock(kDispatchLevel, where);
  if (cancelled_meanwhile) manager_.cancel(irp, where);
  if (!waits) start(device, irp);
  services_.scheduler.lower_irql(before);
}

// DOC: VER-115
void StartIo::next_packet(DEVICE_OBJECT* device, bool cancelable, std::optional<ULONG> key, const CodePlace& where) {
  State& state = states_[device];
  const bool within = state.inside != 0 && state.fiber == &services_.scheduler.fiber();
  if (within && !state.deferred && services_.call.checking())
    services_.broken("VER-115", "", "IoStartNextPacket was called by the StartIo routine, which it calls again: IoSetStartIoAttributes(DeviceObject, TRUE, …) comes first", where);
  if (!within || !state.deferred) return take_next(device, cancelable, key, where);
  ++state.owed;
  state.owed_cancelable = cancelable;
  state.owed_key = key;
}

void StartIo::take_next(DEVICE_OBJECT* device, bool cancelable, std::optional<ULONG> key, const CodePlace& where) {
  const Irql before = services_.scheduler.raise_irql(kDispatchLevel);
  if (cancelable) manager_.acquire_cancel_lock(where);
  DeviceQueue queue(manager_.host(), device->DeviceQueue, &device->DeviceQueue);
  if (!queue.busy()) manager_.host().bug_check(kDeviceQueueNotBusy, {reinterpret_cast<std::uint64_t>(device)}, where, "IoStartNextPacket: the device queue is not busy (was no request under way?)");
  device->CurrentIrp = nullptr;
  KDEVICE_QUEUE_ENTRY* entry = queue.remove(key);
  IRP* irp = entry == nullptr ? nullptr : irp_of(entry);
  if (irp != nullptr) {
    device->CurrentIrp = irp;
    if (cancelable && states_[device].noncancelable) irp->CancelRoutine = nullptr;
  }
  if (cancelable) manager_.release_cancel_lock(kDispatchLevel, where);
  if (irp != nullptr) start(device, irp);
  services_.scheduler.lower_irql(before);
}

}  // namespace drydock
