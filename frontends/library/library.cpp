// The library has no code of its own: what it must contain is named here, the linker finds the rest.

#include <drydock/devices.h>
#include <drydock/faults.h>
#include <drydock/inspect.h>
#include <drydock/machine.h>

namespace drydock {
namespace {

[[gnu::used]] Machine::Started (*const start)(const Options&) = &Machine::start;
[[gnu::used]] std::string (*const objection)(const Options&) = &Machine::objection;
[[gnu::used]] const char* (*const name)(Outcome) = &name_of;
[[gnu::used]] std::vector<DeviceType> (*const types)() = &device_types;
[[gnu::used]] Inspected (*const inspect)(const std::string&) = &inspect_driver;
[[gnu::used]] std::vector<ExportedRoutine> (*const exported)() = &exported_routines;
[[gnu::used]] std::vector<MissingRoutine> (*const missing)() = &missing_routines;
[[gnu::used]] const char* (*const coverage)(Coverage) = &name_of;
[[gnu::used]] std::vector<FaultType> (*const faults)() = &fault_types;

}  // namespace
}  // namespace drydock
