#pragma once
// Register and port access on behalf of the driver, shared by the HAL's names and Storport's.

#include "ddi/call.h"

namespace drydock::ddi {

std::uint64_t read_register(Call& call, const volatile void* address, unsigned size);
void write_register(Call& call, volatile void* address, unsigned size, std::uint64_t value);
std::uint32_t read_port(Call& call, std::uint64_t port, unsigned size);
void write_port(Call& call, std::uint64_t port, unsigned size, std::uint32_t value);
/// What a register routine does with an address that is no register: a finding; memory is accessed, else null.
std::byte* stray(Call& call, std::uint64_t address, unsigned size, bool write);

}  // namespace drydock::ddi
