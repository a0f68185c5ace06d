#pragma once
// The routines whose too high IRQL has a rule and a bug check of its own. DOC: VER-51 VER-52 VER-53 VER-116

#include <string_view>

namespace drydock::ddi {

struct IrqlRule {
  std::string_view routine, rule, code;
};

inline constexpr IrqlRule kIrqlRules[] = {
    {"MmProbeAndLockPages", "MDL-16", "0xC4/0x70"},
    {"MmProbeAndLockSelectedPages", "VER-51", "0xC4/0x72"},
    {"MmMapLockedPages", "VER-52", "0xC4/0x74"},
    {"MmMapLockedPagesSpecifyCache", "MDL-32", "0xC4/0x76"},
    {"MmUnlockPages", "VER-53", "0xC4/0x78"},
    {"MmUnmapLockedPages", "MDL-37", "0xC4/0x79"},
    {"MmAllocatePagesForMdl", "VER-116", ""},  // ≤ D since Windows Server 2008, as the pages of both say
    {"MmFreePagesFromMdl", "VER-116", ""},
    {"MmFreeContiguousMemory", "VER-116", ""},
    {"MmAllocateNonCachedMemory", "VER-116", ""},
    {"MmFreeNonCachedMemory", "VER-116", ""},
};

constexpr IrqlRule irql_rule_of(std::string_view routine) {
  for (const IrqlRule& each : kIrqlRules)
    if (each.routine == routine) return each;
  return {routine, "VER-85", ""};
}

}  // namespace drydock::ddi
