#pragma once
// What the two families of registry routines share.

#include "ddi/call.h"

namespace drydock::ddi {

/// An open key. It stays open when the key is deleted, and answers that it is.
struct KeyObject final : CountedObject {
  explicit KeyObject(std::string its_path) : CountedObject(CountedKind::key, nullptr), path(std::move(its_path)) {}
  std::string path;
};
inline const std::string& path_of_key(const CountedObject& object) { return static_cast<const KeyObject&>(object).path; }

/// A value from memory of the driver's. STATUS_ACCESS_VIOLATION after a finding.
NTSTATUS store_value(Call& call, Registry::Key& key, std::string_view name, ULONG type, const void* data, ULONG length, const char* what);

}  // namespace drydock::ddi
