// Machine::load: drivers that are no miniports of the machine's own disks, in and out again.

#include "machine/client_process.h"
#include "machine/machine_impl.h"

namespace drydock {

bool MachineImpl::LoadedOne::unload() {
  if (unloaded_) return true;
  bool has_one = false;
  machine_.clients_->on_thread([&] { has_one = machine_.unload(driver_); });
  if (has_one && !machine_.kernel_.halt()) machine_.look_for_leftovers(driver_);
  return unloaded_ = has_one;
}

NTSTATUS MachineImpl::enter(Driver& driver) {
  using DriverEntry = NTSTATUS(MSABI*)(void*, void*);
  auto* object = static_cast<DRIVER_OBJECT*>(driver.driver_object());
  const NTSTATUS status = kernel_.services().call("DriverEntry", EntryKind::routine, reinterpret_cast<DriverEntry>(driver.image().entry()),
                                                  static_cast<void*>(object), driver.registry_path());
  kernel_.io().devices().clear_initializing(object);
  if (status >= 0) reinitialize();
  return status;
}

// Why it could not be brought in; nothing: it is there.
std::optional<StartError> MachineImpl::bring_in(Driver& driver, const std::string& path) {
  const auto refused = [&](Outcome outcome, std::string message) { return StartError{outcome, std::move(message), make_report()}; };
  {
    const std::lock_guard lock(clients_->machine_mutex());
    if (const auto loaded = driver.load(path, options_.seed, &MachineKernel::missing_import, nullptr); !loaded)
      return refused(Outcome::bad_input, loaded.error().message);
  }
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  const bool finished = clients_->on_thread([&] { status = enter(driver); });
  const std::string& name = driver.image().name();
  if (kernel_.halt()) return refused(Outcome::driver_crashed, kernel_.halt()->message);
  if (!finished) return refused(Outcome::refused, name + ": DriverEntry waits for something that never happens");
  if (status < 0) return refused(Outcome::refused, fmt::format("{}: DriverEntry returned {:#010x}", name, static_cast<std::uint32_t>(status)));
  if (driver.miniport) return refused(Outcome::refused, name + ": a Storport miniport: it is given to Machine::start, with a device");
  return std::nullopt;
}

Machine::Loaded MachineImpl::load(const std::string& path) {
  Driver& driver = drivers_->add();
  driver.meet_processes();
  if (auto error = bring_in(driver, path)) {
    if (!driver.loaded()) drivers_->remove(driver);  // what has run stays, for stacks that refer to it
    return {nullptr, std::move(*error)};
  }
  loaded_.push_back(std::make_unique<LoadedOne>(*this, driver));
  return {loaded_.back().get(), {}};
}

// A driver that is no miniport and runs alone: what it made is looked at, and each named device is opened and closed.
bool MachineImpl::greet_devices() {
  const auto* object = static_cast<const DRIVER_OBJECT*>(driver_->driver_object());
  if (object->DeviceObject == nullptr && object->DriverExtension->AddDevice == nullptr)
    return fail(Outcome::refused, driver_->image().name() + ": DriverEntry made no device object, set no AddDevice and never called StorPortInitialize: there is nothing to run");
  kernel_.io().devices().for_each_of(object, [&](const DeviceFacts& facts) { device_objects_.push_back(facts.name.empty() ? "(unnamed)" : narrow(facts.name)); });
  const auto visitor = client("drydock");
  for (const std::string& name : device_objects_)
    if (name != "(unnamed)") visitor->open(name, Access::read_write);
  return !ended(true);
}

AddedDevice MachineImpl::add_device(std::span<LoadedDriver* const> drivers) {
  std::unique_ptr<PnpStack> stack;
  NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
  constexpr auto gone = [](void* machine, PnpStack& ended) { std::erase(static_cast<MachineImpl*>(machine)->stacks_, &ended); };
  clients_->on_thread([&] {
    DEVICE_OBJECT* physical = kernel_.bus().add();
    if (physical == nullptr) return;
    stack = std::make_unique<PnpStack>(ProcessHost{*board_, kernel_, *clients_}, physical, gone, this);
    status = STATUS_SUCCESS;
    for (std::size_t i = 0; i < drivers.size() && status >= 0; ++i) status = stack->add(static_cast<LoadedOne*>(drivers[i])->driver());
  });
  if (!stack || kernel_.halt()) return {nullptr, static_cast<std::uint32_t>(STATUS_UNSUCCESSFUL)};
  if (status < 0) return {nullptr, static_cast<std::uint32_t>(status)};  // what was there already is removed
  stacks_.push_back(stack.get());
  return {std::move(stack), static_cast<std::uint32_t>(status)};
}

// What a driver asked for in DriverEntry; it may ask again.
void MachineImpl::reinitialize() {
  for (const IoManager::Reinitialization& wish : std::exchange(kernel_.io().reinitializations(), {})) {
    const ULONG count = ++wish.driver->DriverExtension->Count;
    kernel_.services().call("DRIVER_REINITIALIZE", EntryKind::routine, wish.routine, wish.driver, wish.context, count);
  }
}

// ASSUMED: the request goes to the top of the stack of the device that was registered. tests/conformance/shutdown_test: each_device_is_told_once
void MachineImpl::notify_shutdown() {
  clients_->on_thread([&] {
    std::vector<DEVICE_OBJECT*> told;
    for (const auto& driver : drivers_->all())
      if (driver->loaded()) kernel_.io().devices().for_each_of(static_cast<DRIVER_OBJECT*>(driver->driver_object()), [&](const DeviceFacts& facts) {
        if (facts.told_of_shutdown) told.push_back(facts.device);
      });
    IO_STACK_LOCATION location{};
    location.MajorFunction = IRP_MJ_SHUTDOWN;
    for (DEVICE_OBJECT* device : told) SystemRequest(kernel_.io()).send(DeviceObjects::top_of(device), location);
  });
}

std::unique_ptr<Client> MachineImpl::client(std::string name) {
  const std::lock_guard lock(clients_->machine_mutex());
  auto space = board_->spaces->create(std::move(name));
  if (!space) return nullptr;
  return std::make_unique<ClientProcess>(ProcessHost{*board_, kernel_, *clients_}, std::move(*space));
}

bool MachineImpl::unload(Driver& driver) {
  if (!driver.loaded()) return false;
  auto& object = *static_cast<DRIVER_OBJECT*>(driver.driver_object());
  if (object.DriverUnload == nullptr || !driver.contains(reinterpret_cast<std::uint64_t>(object.DriverUnload), 1)) return false;
  kernel_.services().call("DriverUnload", EntryKind::routine, object.DriverUnload, &object);
  return true;
}

// DOC: VER-152 what is left of a driver that is gone.
void MachineImpl::look_for_leftovers(Driver& driver) {
  IoManager& io = kernel_.io();
  auto* object = static_cast<DRIVER_OBJECT*>(driver.driver_object());
  io.devices().for_each_of(object, [&](const DeviceFacts& facts) {
    io.services().broken("VER-152", "0xCE", fmt::format("{} was unloaded and left a device object{}{} behind", driver.image().name(), facts.name.empty() ? "" : " ", narrow(facts.name)),
                         {.rip = facts.made_at.rip, .rsp = 0, .rbp = 0, .is_return_address = facts.made_at.is_return_address});
  });
  io.book().for_each_live([&](const IrpFacts& facts) {  // DOC: VER-77
    if (facts.made_at.rip == 0 || drivers_->at(facts.made_at.rip) != &driver) return;
    io.services().broken("VER-77", "", fmt::format("{} was unloaded and left IRP {} behind, which came from {}", driver.image().name(), facts.serial, maker_of(facts.origin)),
                         {.rip = facts.made_at.rip, .rsp = 0, .rbp = 0, .is_return_address = facts.made_at.is_return_address});
  });
  io.extensions().driver_is_gone(object);
  report_remnants(driver);
}

}  // namespace drydock
