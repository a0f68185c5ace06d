#pragma once
// Registers and ports, accessed by a routine: the bodies behind hal.dll's and storport.sys's exports.

#include <cstring>

#include "ddi/call.h"

namespace drydock::ddi {

std::uint64_t read_register(Call& call, const volatile void* address, unsigned size);
void write_register(Call& call, volatile void* address, unsigned size, std::uint64_t value);
std::uint32_t read_port(Call& call, std::uint64_t port, unsigned size);
void write_port(Call& call, std::uint64_t port, unsigned size, std::uint32_t value);
/// Where a register routine was given memory that is no register: a finding, and drydock's alias of it; null when there is none.
std::byte* stray(Call& call, std::uint64_t address, unsigned size, bool write);

template <class T>
T read_one(Call& call, const volatile T* address) { return static_cast<T>(read_register(call, address, sizeof(T))); }
template <class T>
void write_one(Call& call, volatile T* address, T value) { write_register(call, address, sizeof(T), value); }
template <class T>
T read_port_one(Call& call, const T* port) { return static_cast<T>(read_port(call, reinterpret_cast<std::uint64_t>(port), sizeof(T))); }
template <class T>
void write_port_one(Call& call, const T* port, T value) { write_port(call, reinterpret_cast<std::uint64_t>(port), sizeof(T), value); }

// The buffer forms: a register is a range of them, a port is the same one again and again.
template <class T, class Read>
void fill_buffer(Call& call, T* buffer, ULONG count, Read read) {
  std::byte* to = call.range(buffer, std::uint64_t{count} * sizeof(T), true, "Buffer");
  for (ULONG i = 0; to != nullptr && i < count; ++i) {
    const T value = read(i);
    std::memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}
template <class T, class Write>
void drain_buffer(Call& call, const T* buffer, ULONG count, Write write) {
  const std::byte* from = call.range(buffer, std::uint64_t{count} * sizeof(T), false, "Buffer");
  for (ULONG i = 0; from != nullptr && i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof(T), sizeof(T));
    write(i, value);
  }
}
template <class T>
void read_many(Call& call, const volatile T* address, T* buffer, ULONG count) {
  fill_buffer(call, buffer, count, [&](ULONG i) { return read_one(call, address + i); });
}
template <class T>
void write_many(Call& call, volatile T* address, const T* buffer, ULONG count) {
  drain_buffer(call, buffer, count, [&](ULONG i, T value) { write_one(call, address + i, value); });
}
template <class T>
void read_port_many(Call& call, const T* port, T* buffer, ULONG count) {
  fill_buffer(call, buffer, count, [&](ULONG) { return read_port_one(call, port); });
}
template <class T>
void write_port_many(Call& call, const T* port, const T* buffer, ULONG count) {
  drain_buffer(call, buffer, count, [&](ULONG, T value) { write_port_one(call, port, value); });
}

}  // namespace drydock::ddi
