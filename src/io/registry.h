#pragma once
// Registry: the few values a driver of this kind reads and writes: a tree of keys named by paths below the driver's
// service key, case-insensitive, every value typed as the registry types it. Parsed from `--reg` texts.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drydock {

enum class RegistryType : std::uint32_t { sz = 1, expand_sz = 2, binary = 3, dword = 4, multi_sz = 7, qword = 11 };

struct RegistryValue {
  RegistryType type = RegistryType::dword;
  std::vector<std::byte> data;  ///< as the registry holds it: texts are UTF-16, terminated
};

class Registry {
 public:
  /// `Parameters\Device\Name=dword:1`, `=qword:`, `=sz:text`, `=multi_sz:a;b`, `=binary:0a0b`. Numbers may be 0x….
  Result<void> set_from_text(std::string_view text);
  void set(std::string_view key, std::string_view name, RegistryValue value);
  /// Null when there is no such value.
  const RegistryValue* find(std::string_view key, std::string_view name) const;

 private:
  static std::string folded(std::string_view key, std::string_view name);
  std::map<std::string, RegistryValue> values_;
};

}  // namespace drydock
