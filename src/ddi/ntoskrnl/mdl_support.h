#pragma once
// What the routines about MDLs share: an MDL as the driver gave it, looked at before anything believes it, and how a refusal
// of the MDL book is told.

#include "ddi/call.h"
#include "mem/mdl_book.h"

namespace drydock::ddi {

inline constexpr std::uint32_t kMdlTag = 0x206C644D;  // 'Mdl '

/// drydock's alias of an MDL and its page numbers; null, after a finding, when that is no memory of the driver's. A header
/// that somebody else wrote to is a finding, too.
MDL* sound_mdl(Call& call, MDL* mdl);

/// The memory a buffer of the system is.
enum class SystemBuffer : std::uint8_t {
  machine,  ///< pages of the machine: pool, mappings
  image,    ///< a driver's
  stack,
  device,   ///< registers
  nothing
};
SystemBuffer system_buffer_at(Call& call, std::uint64_t address, std::uint64_t bytes);

/// What a refusal means in one routine.
struct Refusal {
  MdlFault fault;
  std::string_view rule, code;
  std::string_view words;
};
/// The finding, with the stacks of the MDL's past that belong to it.
void tell(Call& call, std::span<const Refusal> refusals, MdlFault fault, const MDL* mdl);

inline std::uint64_t number_of(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

}  // namespace drydock::ddi
