// The library has no code of its own: what it must contain is named here, the linker finds the rest.

#include <drydock/devices.h>
#include <drydock/machine.h>

namespace drydock {
namespace {

[[gnu::used]] Machine::Started (*const start)(const Options&) = &Machine::start;
[[gnu::used]] const char* (*const name)(Outcome) = &name_of;
[[gnu::used]] std::vector<DeviceType> (*const types)() = &device_types;

}  // namespace
}  // namespace drydock
