#include "machine/device_stack.h"

#include <cstring>

#include <fmt/format.h>

namespace drydock {

namespace {

constexpr std::uint32_t kTag = 0x20706E50;  // 'Pnp '
constexpr UCHAR kUnknownMinor = 0xFF;
constexpr std::uint32_t kGone = static_cast<std::uint32_t>(STATUS_NO_SUCH_DEVICE);

IO_STACK_LOCATION location_of(unsigned major, unsigned minor) {
  IO_STACK_LOCATION location{};
  location.MajorFunction = static_cast<UCHAR>(major);
  location.MinorFunction = static_cast<UCHAR>(minor);
  return location;
}

/// The routine of a driver that handles PnP: where a finding about its handling points.
CodePlace pnp_routine(const DEVICE_OBJECT& device) {
  return {.rip = reinterpret_cast<std::uint64_t>(device.DriverObject->MajorFunction[IRP_MJ_PNP]), .rsp = 0, .rbp = 0, .is_return_address = false};
}

}  // namespace

PnpStack::~PnpStack() {
  if (!removed() && !host_.kernel.halt()) remove();
  gone_(context_, *this);
}

// --- adding ---------------------------------------------------------------------------------------------------------------

NTSTATUS PnpStack::add(Driver& driver) {
  auto* object = static_cast<DRIVER_OBJECT*>(driver.driver_object());
  const PDRIVER_ADD_DEVICE routine = object->DriverExtension->AddDevice;
  if (routine == nullptr) return STATUS_INVALID_DEVICE_REQUEST;
  const NTSTATUS status = host_.kernel.services().call("AddDevice", EntryKind::routine, routine, object, physical_);
  if (status >= 0) look_at_added(object);
  return status;
}

// DOC: VER-76 VER-196
void PnpStack::look_at_added(const DRIVER_OBJECT* driver) {
  const IoServices& services = io().services();
  if (!services.call.checking()) return;
  io().devices().for_each_of(driver, [&](const DeviceFacts& facts) {
    if ((facts.device->Flags & DO_DEVICE_INITIALIZING) != 0)
      services.broken("VER-76", "0xC9/0x243", "AddDevice returned and left DO_DEVICE_INITIALIZING set in the flags of its device object", facts.made_at);
    const DEVICE_OBJECT* below = facts.below;
    const DeviceFacts* next = below == nullptr ? nullptr : io().devices().find(below);
    if (next == nullptr) return;
    if (((below->Flags & ~facts.device->Flags) & DO_POWER_PAGABLE) != 0)
      services.broken("VER-196", "0xC9/0x23F", "the device object is attached to one with DO_POWER_PAGABLE, and has not taken the flag over", facts.made_at);
    if (!next->physical && below->DeviceType != facts.device->DeviceType)
      services.broken("VER-196", "0xC9/0x246", fmt::format("the device object of a filter has device type {:#x}, and the one it is attached to {:#x}", facts.device->DeviceType, below->DeviceType), facts.made_at);
  });
}

// --- requests -------------------------------------------------------------------------------------------------------------

SystemRequest::Answer PnpStack::send(const IO_STACK_LOCATION& location) {
  return SystemRequest(io()).send(DeviceObjects::top_of(physical_), location, STATUS_NOT_SUPPORTED);
}

SystemRequest::Answer PnpStack::ask(const IO_STACK_LOCATION& location) {
  SystemRequest::Answer answer{.status = static_cast<NTSTATUS>(kGone)};
  if (!removed()) host_.clients.on_thread([&] { answer = send(location); });
  return answer;
}

std::uint32_t PnpStack::pnp(unsigned minor) { return static_cast<std::uint32_t>(ask(location_of(IRP_MJ_PNP, minor)).status); }

// A request that no driver knows goes to the bottom as it is. DOC: VER-191
std::uint32_t PnpStack::start() {
  const std::uint32_t status = pnp(IRP_MN_START_DEVICE);
  if (status < 0x8000'0000 && io().services().call.checking()) {
    pnp(kUnknownMinor);
    ask(location_of(IRP_MJ_POWER, kUnknownMinor));
  }
  return status;
}

std::uint32_t PnpStack::power(unsigned minor, unsigned device_state) {
  IO_STACK_LOCATION location = location_of(IRP_MJ_POWER, minor);
  location.Parameters.Power.Type = DevicePowerState;
  location.Parameters.Power.State.DeviceState = static_cast<DEVICE_POWER_STATE>(PowerDeviceD0 + device_state);
  return static_cast<std::uint32_t>(ask(location).status);
}

std::uint32_t PnpStack::query_capabilities() {
  Pool& pool = *host_.board.pool;
  auto* capabilities = static_cast<DEVICE_CAPABILITIES*>(pool.allocate(sizeof(DEVICE_CAPABILITIES), PoolKind::nonpaged, kTag));
  if (capabilities == nullptr) return static_cast<std::uint32_t>(STATUS_INSUFFICIENT_RESOURCES);
  std::memset(static_cast<void*>(capabilities), 0, sizeof *capabilities);
  capabilities->Size = sizeof *capabilities;
  capabilities->Version = 1;
  capabilities->Address = capabilities->UINumber = ~ULONG{0};
  IO_STACK_LOCATION location = location_of(IRP_MJ_PNP, IRP_MN_QUERY_CAPABILITIES);
  location.Parameters.DeviceCapabilities.Capabilities = capabilities;
  const SystemRequest::Answer answer = ask(location);
  if (!answer.given_up) (void)pool.free(capabilities);
  return static_cast<std::uint32_t>(answer.status);
}

std::string PnpStack::device_id() {
  IO_STACK_LOCATION location = location_of(IRP_MJ_PNP, IRP_MN_QUERY_ID);
  location.Parameters.QueryId.IdType = BusQueryDeviceID;
  const SystemRequest::Answer answer = ask(location);
  const auto* text = reinterpret_cast<const char16_t*>(answer.information);
  if (answer.status < 0 || text == nullptr) return {};
  std::string id = narrow(text);
  (void)host_.board.pool->free(answer.information);
  return id;
}

// --- removing -------------------------------------------------------------------------------------------------------------

std::vector<DEVICE_OBJECT*> PnpStack::devices() const {
  std::vector<DEVICE_OBJECT*> devices;
  for (DEVICE_OBJECT* at = physical_->AttachedDevice; at != nullptr; at = at->AttachedDevice) devices.push_back(at);
  return devices;
}

// DOC: VER-190
std::uint32_t PnpStack::surprise_removal() {
  SystemRequest::Answer answer{.status = static_cast<NTSTATUS>(kGone)};
  if (removed()) return kGone;
  host_.clients.on_thread([&] {
    const std::vector<DEVICE_OBJECT*> before = devices();
    answer = send(location_of(IRP_MJ_PNP, IRP_MN_SURPRISE_REMOVAL));
    look_at_surprise(before);
  });
  return static_cast<std::uint32_t>(answer.status);
}

void PnpStack::look_at_surprise(const std::vector<DEVICE_OBJECT*>& before) {
  for (DEVICE_OBJECT* device : before) {
    const DeviceFacts* facts = io().devices().find(device);
    if (facts == nullptr) io().services().broken("VER-190", "0xC9/0x242", "a device object was deleted during IRP_MN_SURPRISE_REMOVAL: that is for IRP_MN_REMOVE_DEVICE", {});
    else if (facts->deleted) io().services().broken("VER-190", "0xC9/0x242", "the device object was deleted during IRP_MN_SURPRISE_REMOVAL: that is for IRP_MN_REMOVE_DEVICE", pnp_routine(*device));
    else if (facts->below == nullptr) io().services().broken("VER-190", "0xC9/0x241", "the device object was detached during IRP_MN_SURPRISE_REMOVAL: that is for IRP_MN_REMOVE_DEVICE", pnp_routine(*device));
  }
}

std::uint32_t PnpStack::remove() {
  SystemRequest::Answer answer{.status = static_cast<NTSTATUS>(kGone)};
  if (removed()) return kGone;
  host_.clients.on_thread([&] {
    const std::vector<DEVICE_OBJECT*> before = devices();
    answer = send(location_of(IRP_MJ_PNP, IRP_MN_REMOVE_DEVICE));
    if (!answer.given_up) look_at_leftovers(before);
    take_down();
  });
  return static_cast<std::uint32_t>(answer.status);
}

// DOC: VER-190
void PnpStack::look_at_leftovers(const std::vector<DEVICE_OBJECT*>& before) {
  for (DEVICE_OBJECT* device : before) {
    const DeviceFacts* facts = io().devices().find(device);
    if (facts == nullptr || facts->deleted) continue;
    if (facts->below != nullptr) io().services().broken("VER-190", "0xC9/0x21D", "IRP_MN_REMOVE_DEVICE is done, and the device object is still attached (IoDetachDevice)", pnp_routine(*device));
    else io().services().broken("VER-190", "0xC9/0x21E", "IRP_MN_REMOVE_DEVICE is done, and the device object has not been deleted (IoDeleteDevice)", pnp_routine(*device));
  }
}

void PnpStack::take_down() {
  DEVICE_OBJECT* physical = std::exchange(physical_, nullptr);
  io().interfaces().device_is_gone(physical);
  host_.kernel.bus().remove(physical);
}

}  // namespace drydock
