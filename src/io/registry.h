#pragma once
// Registry: the tree of keys of one machine, held in memory. Names are UTF-8 and compared without (ASCII) case; every value
// is typed as the registry types it. Two ways in: by full path (\Registry\Machine\…), and, for the port drivers and --reg, by
// path below the service key of the machine's driver.

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
  static constexpr std::string_view kControlSet = "\\Registry\\Machine\\System\\CurrentControlSet";
  static constexpr std::string_view kServices = "\\Registry\\Machine\\System\\CurrentControlSet\\Services";

  struct NamedValue {
    std::string name;
    RegistryValue value;
  };
  struct Key {
    std::string path;  ///< as it was created
    bool is_volatile = false;
    std::map<std::string, NamedValue> values;  ///< by folded name
    std::string_view name() const { return std::string_view(path).substr(path.rfind('\\') + 1); }
  };

  Registry();

  // --- by full path -------------------------------------------------------------------------------------------------
  /// Null: there is no such key. Keys stay where they are until they are removed.
  Key* open(std::string_view path);
  /// The key, made if it is not there (`made` says which); null when its parent is not there.
  Key* create(std::string_view path, bool is_volatile, bool& made);
  /// The same, with all keys above it.
  Key& create_path(std::string_view path);
  /// False: it has subkeys, or is not there.
  bool remove(std::string_view path);
  /// In alphabetical order.
  std::vector<const Key*> subkeys(std::string_view path) const;
  static const RegistryValue* value_of(const Key& key, std::string_view name);
  static void set_value(Key& key, std::string_view name, RegistryValue value);
  static bool delete_value(Key& key, std::string_view name);

  // --- below the driver's service key ---------------------------------------------------------------------------------
  /// What the driver's service is called; before anything is set.
  void name_service(std::string_view name) { service_ = name; }
  /// `Parameters\Device\Name=dword:1`, `=qword:`, `=sz:text`, `=multi_sz:a;b`, `=binary:0a0b`. Numbers may be 0x….
  Result<void> set_from_text(std::string_view text);
  void set(std::string_view key, std::string_view name, RegistryValue value);
  /// Null when there is no such value.
  const RegistryValue* find(std::string_view key, std::string_view name) const;

 private:
  std::string below_service(std::string_view key) const;
  std::map<std::string, Key> keys_;  ///< by folded path
  std::string service_ = "driver";
};

}  // namespace drydock
