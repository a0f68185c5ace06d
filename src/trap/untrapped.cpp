#include "trap/untrapped.h"

#include <algorithm>

#include "loader/pe_format.h"
#include "trap/instruction.h"

namespace drydock {
namespace {

/// Null: it traps, or means the same everywhere.
const char* consequence_of(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_PUSHF: case ZYDIS_MNEMONIC_PUSHFD: case ZYDIS_MNEMONIC_PUSHFQ:
      return "the interrupt flag it stores is always set, after cli too";
    case ZYDIS_MNEMONIC_POPF: case ZYDIS_MNEMONIC_POPFD: case ZYDIS_MNEMONIC_POPFQ:
      return "it does not change the interrupt flag";
    case ZYDIS_MNEMONIC_RDTSC: case ZYDIS_MNEMONIC_RDTSCP: return "it counts the host's time, so two runs differ";
    case ZYDIS_MNEMONIC_CPUID: return "it describes the host's processor";
    case ZYDIS_MNEMONIC_SGDT: case ZYDIS_MNEMONIC_SIDT: case ZYDIS_MNEMONIC_SLDT: case ZYDIS_MNEMONIC_STR:
    case ZYDIS_MNEMONIC_SMSW: return "it describes the host's processor";
    default: return nullptr;
  }
}

void look_through(const PeImage& image, std::uint32_t begin, std::uint32_t end, std::vector<UntrappedInstruction>& found) {
  const auto code = begin < end ? image.view(begin, end - begin) : std::nullopt;
  if (!code) return;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(code->data());
  for (std::size_t at = 0; at < code->size() && found.size() < kUntrappedMax;) {
    const auto instruction = decode({bytes + at, code->size() - at});
    if (!instruction) return;  // a table, or nothing the processor would get to
    if (const char* consequence = consequence_of(instruction->decoded.mnemonic))
      found.push_back({begin + static_cast<std::uint32_t>(at), instruction->name(), consequence});
    at += instruction->length();
  }
}

}  // namespace

std::vector<UntrappedInstruction> untrapped_instructions(const PeImage& image) {
  std::vector<UntrappedInstruction> found;
  for (std::uint32_t row = 0; row < image.pdata_size; row += sizeof(pe::RuntimeFunction)) {
    const auto function = image.load<pe::RuntimeFunction>(image.pdata_rva + row);
    if (function) look_through(image, function->begin, function->end, found);
  }
  std::sort(found.begin(), found.end(), [](const UntrappedInstruction& a, const UntrappedInstruction& b) { return a.rva < b.rva; });
  const auto same = [](const UntrappedInstruction& a, const UntrappedInstruction& b) { return a.rva == b.rva; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

}  // namespace drydock
