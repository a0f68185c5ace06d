// Registers and ports by routine. DOC: ST-197 LAY-70. A register is an address that StorPortGetDeviceBase (or
// MmMapIoSpace) returned; a port is its number. Anything else is memory and is accessed as such, after a finding.

#include "ddi/hal/registers.h"

#include "ddi/modules.h"

namespace drydock::ddi {

std::uint64_t read_register(Call& call, const volatile void* address, unsigned size) {
  storport::Services& s = call.services();
  s.scheduler.poll();
  const auto at = reinterpret_cast<std::uint64_t>(address);
  if (const auto hit = s.mmio.find(at)) [[likely]] {
    const std::uint64_t value = hit->function->read_bar(hit->bar, hit->offset, size);
    s.trace.note([&] { return RegisterAccessed{hit->bar, hit->offset, size, false, false, value}; });
    return value;
  }
  std::uint64_t value = 0;
  if (const std::byte* host = stray(call, at, size, false)) std::memcpy(&value, host, size);
  return value;
}

void write_register(Call& call, volatile void* address, unsigned size, std::uint64_t value) {
  storport::Services& s = call.services();
  s.scheduler.point(PointCost::register_access);
  const auto at = reinterpret_cast<std::uint64_t>(address);
  if (const auto hit = s.mmio.find(at)) [[likely]] {
    s.trace.note([&] { return RegisterAccessed{hit->bar, hit->offset, size, true, false, value}; });
    hit->function->written_from(call.place());
    return hit->function->write_bar(hit->bar, hit->offset, size, value);
  }
  if (std::byte* host = stray(call, at, size, true)) std::memcpy(host, &value, size);
}

// DOC: VER-46 a register routine given an address outside what StorPortGetDeviceBase returned.
std::byte* stray(Call& call, std::uint64_t address, unsigned size, bool write) {
  call.broken("VER-46", "0xF1/0x2005", fmt::format("{} was given an address outside the ranges that StorPortGetDeviceBase returned", call.name()));
  return call.memory().find(address) ? call.range(reinterpret_cast<void*>(address), size, write, "Register") : nullptr;
}

std::uint32_t read_port(Call& call, std::uint64_t port, unsigned size) {
  storport::Services& s = call.services();
  s.scheduler.poll();
  const auto hit = s.bus.find_port(static_cast<std::uint16_t>(port));
  if (!hit) return ~0u;  // nothing decodes the cycle
  const auto value = static_cast<std::uint32_t>(hit->function->read_bar(hit->bar, hit->offset, size));
  s.trace.note([&] { return RegisterAccessed{hit->bar, hit->offset, size, false, false, value}; });
  return value;
}

void write_port(Call& call, std::uint64_t port, unsigned size, std::uint32_t value) {
  storport::Services& s = call.services();
  s.scheduler.point(PointCost::register_access);
  const auto hit = s.bus.find_port(static_cast<std::uint16_t>(port));
  if (!hit) return;
  s.trace.note([&] { return RegisterAccessed{hit->bar, hit->offset, size, true, false, value}; });
  hit->function->written_from(call.place());
  hit->function->write_bar(hit->bar, hit->offset, size, value);
}

std::vector<Row> hal_rows() {
  return {
      routine<"READ_REGISTER_UCHAR", kAnyIrql, &read_one<UCHAR>>("hal.dll", "nf-wdm-read_register_uchar"),
      routine<"READ_REGISTER_USHORT", kAnyIrql, &read_one<USHORT>>("hal.dll", "nf-wdm-read_register_ushort"),
      routine<"READ_REGISTER_ULONG", kAnyIrql, &read_one<ULONG>>("hal.dll", "nf-wdm-read_register_ulong"),
      routine<"READ_REGISTER_ULONG64", kAnyIrql, &read_one<ULONG64>>("hal.dll", "nf-wdm-read_register_ulong64"),
      routine<"WRITE_REGISTER_UCHAR", kAnyIrql, &write_one<UCHAR>>("hal.dll", "nf-wdm-write_register_uchar"),
      routine<"WRITE_REGISTER_USHORT", kAnyIrql, &write_one<USHORT>>("hal.dll", "nf-wdm-write_register_ushort"),
      routine<"WRITE_REGISTER_ULONG", kAnyIrql, &write_one<ULONG>>("hal.dll", "nf-wdm-write_register_ulong"),
      routine<"WRITE_REGISTER_ULONG64", kAnyIrql, &write_one<ULONG64>>("hal.dll", "nf-wdm-write_register_ulong64"),
      routine<"READ_PORT_UCHAR", kAnyIrql, &read_port_one<UCHAR>>("hal.dll", "nf-wdm-read_port_uchar"),
      routine<"READ_PORT_USHORT", kAnyIrql, &read_port_one<USHORT>>("hal.dll", "nf-wdm-read_port_ushort"),
      routine<"READ_PORT_ULONG", kAnyIrql, &read_port_one<ULONG>>("hal.dll", "nf-wdm-read_port_ulong"),
      routine<"WRITE_PORT_UCHAR", kAnyIrql, &write_port_one<UCHAR>>("hal.dll", "nf-wdm-write_port_uchar"),
      routine<"WRITE_PORT_USHORT", kAnyIrql, &write_port_one<USHORT>>("hal.dll", "nf-wdm-write_port_ushort"),
      routine<"WRITE_PORT_ULONG", kAnyIrql, &write_port_one<ULONG>>("hal.dll", "nf-wdm-write_port_ulong"),
  };
}

}  // namespace drydock::ddi
