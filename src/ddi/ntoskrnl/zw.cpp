// ntoskrnl.exe: Zw…Key: the registry by handles.

#include <cstring>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"
#include "ddi/ntoskrnl/registry_keys.h"
#include "ddi/ntoskrnl/names.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

Registry& registry_of(Call& call) { return call.services().registry; }

// --- names and handles ------------------------------------------------------------------------------------------------------------

KeyObject* key_object(Call& call, HANDLE handle) {
  CountedObject* object = call.kernel().objects().objects.by_handle(reinterpret_cast<std::uint64_t>(handle));
  if (object != nullptr && object->kind == CountedKind::key) return static_cast<KeyObject*>(object);
  call.broken("VER-166", "", fmt::format("{} was given {:#x}, which is no open handle of a key", call.name(), reinterpret_cast<std::uint64_t>(handle)));
  return nullptr;
}

/// The full path that OBJECT_ATTRIBUTES name; none with a status.
std::optional<std::string> path_of(Call& call, OBJECT_ATTRIBUTES* attributes, NTSTATUS& status) {
  status = STATUS_INVALID_PARAMETER;
  const OBJECT_ATTRIBUTES* host = call.object<const OBJECT_ATTRIBUTES>(attributes, "ObjectAttributes");
  if (host == nullptr || host->Length != sizeof *host || host->ObjectName == nullptr) return std::nullopt;
  const auto name = name_of(call, host->ObjectName, "ObjectName");
  if (!name) return std::nullopt;
  if (host->RootDirectory == nullptr) {
    status = STATUS_OBJECT_PATH_SYNTAX_BAD;
    return name->starts_with('\\') ? name : std::nullopt;
  }
  const KeyObject* root = key_object(call, host->RootDirectory);
  status = STATUS_INVALID_HANDLE;
  if (root == nullptr) return std::nullopt;
  return name->empty() ? root->path : root->path + "\\" + *name;
}

NTSTATUS give_handle(Call& call, HANDLE* handle, std::string path) {
  HANDLE* host = call.object(handle, "KeyHandle");
  if (host == nullptr) return STATUS_INVALID_PARAMETER;
  ObjectTable& table = call.kernel().objects().objects;
  CountedObject& object = table.add(std::make_unique<KeyObject>(std::move(path)));
  const CodePlace where = call.place();
  *host = reinterpret_cast<HANDLE>(table.open(object, {where.rip, 0, 0, where.is_return_address}));
  table.dereference(object);  // the handle keeps it
  return STATUS_SUCCESS;
}

NTSTATUS open_key(Call& call, HANDLE* handle, ACCESS_MASK, OBJECT_ATTRIBUTES* attributes) {
  NTSTATUS status;
  const auto path = path_of(call, attributes, status);
  if (!path) return status;
  const Registry::Key* key = registry_of(call).open(*path);
  return key == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND : give_handle(call, handle, key->path);
}
NTSTATUS open_key_ex(Call& call, HANDLE* handle, ACCESS_MASK access, OBJECT_ATTRIBUTES* attributes, ULONG) { return open_key(call, handle, access, attributes); }

NTSTATUS create_key(Call& call, HANDLE* handle, ACCESS_MASK, OBJECT_ATTRIBUTES* attributes, ULONG, UNICODE_STRING*, ULONG options, ULONG* disposition) {
  NTSTATUS status;
  const auto path = path_of(call, attributes, status);
  if (!path) return status;
  bool made = false;
  const Registry::Key* key = registry_of(call).create(*path, (options & REG_OPTION_VOLATILE) != 0, made);
  if (key == nullptr) return STATUS_OBJECT_NAME_NOT_FOUND;
  if (disposition != nullptr)
    if (ULONG* host = call.object(disposition, "Disposition")) *host = made ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
  return give_handle(call, handle, key->path);
}

/// What a handle is open to; null with a status.
Registry::Key* key_of(Call& call, HANDLE handle, NTSTATUS& status) {
  const KeyObject* object = key_object(call, handle);
  Registry::Key* key = object == nullptr ? nullptr : registry_of(call).open(object->path);
  status = object == nullptr ? STATUS_INVALID_HANDLE : STATUS_KEY_DELETED;
  return key;
}

// --- answers ----------------------------------------------------------------------------------------------------------------------

/// A structure with a fixed part and what follows it, as it is written to a buffer of the driver's.
class Answer {
 public:
  explicit Answer(std::size_t fixed) : fixed_(fixed), bytes_(fixed) {}
  template <class T>
  void put(std::size_t at, T value) {
    if (bytes_.size() < at + sizeof value) bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void append(std::u16string_view text) { append(text.data(), text.size() * 2); }
  void append(const std::vector<std::byte>& data) { append(data.data(), data.size()); }
  void align(std::size_t to) { bytes_.resize((bytes_.size() + to - 1) / to * to); }
  std::size_t size() const { return bytes_.size(); }

  /// Too small for the fixed part, too small for all of it, or all of it.
  NTSTATUS give(Call& call, void* buffer, ULONG length, ULONG* result_length, const char* what) const {
    if (ULONG* host = call.object(result_length, "ResultLength")) *host = static_cast<ULONG>(bytes_.size());
    if (length < fixed_) return STATUS_BUFFER_TOO_SMALL;
    const std::size_t given = std::min<std::size_t>(length, bytes_.size());
    std::byte* host = call.range(buffer, given, true, what);
    if (host == nullptr) return STATUS_ACCESS_VIOLATION;
    std::memcpy(host, bytes_.data(), given);
    return given < bytes_.size() ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
  }

 private:
  void append(const void* from, std::size_t count) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + count);
    if (count != 0) std::memcpy(bytes_.data() + at, from, count);
  }
  std::size_t fixed_;
  std::vector<std::byte> bytes_;
};

ULONG bytes_of(std::u16string_view text) { return static_cast<ULONG>(text.size() * 2); }

std::optional<Answer> answer_of(const Registry::NamedValue& value, ULONG type) {
  const std::u16string name = utf16_of(value.name);
  const auto kind = static_cast<ULONG>(value.value.type);
  const auto length = static_cast<ULONG>(value.value.data.size());
  switch (type) {
    case KeyValueBasicInformation: {
      Answer answer(FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name));
      answer.put(4, kind), answer.put(8, bytes_of(name)), answer.append(name);
      return answer;
    }
    case KeyValueFullInformation:
    case KeyValueFullInformationAlign64: {
      Answer answer(FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name));
      answer.append(name), answer.align(type == KeyValueFullInformation ? 4 : 8);
      answer.put(4, kind), answer.put(8, static_cast<ULONG>(answer.size())), answer.put(12, length), answer.put(16, bytes_of(name));
      answer.append(value.value.data);
      return answer;
    }
    case KeyValuePartialInformation: {
      Answer answer(FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data));
      answer.put(4, kind), answer.put(8, length), answer.append(value.value.data);
      return answer;
    }
    case KeyValuePartialInformationAlign64: {
      Answer answer(8);
      answer.put(0, kind), answer.put(4, length), answer.append(value.value.data);
      return answer;
    }
    default: return std::nullopt;
  }
}

NTSTATUS give_value(Call& call, const Registry::NamedValue& value, ULONG type, void* buffer, ULONG length, ULONG* result_length) {
  const auto answer = answer_of(value, type);
  return answer ? answer->give(call, buffer, length, result_length, "KeyValueInformation") : STATUS_INVALID_PARAMETER;
}

NTSTATUS query_value(Call& call, HANDLE handle, UNICODE_STRING* name, ULONG type, void* buffer, ULONG length, ULONG* result_length) {
  NTSTATUS status;
  const Registry::Key* key = key_of(call, handle, status);
  const auto wanted = name_of(call, name, "ValueName");
  if (key == nullptr || !wanted) return key == nullptr ? status : STATUS_INVALID_PARAMETER;
  const RegistryValue* value = Registry::value_of(*key, *wanted);
  return value == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND : give_value(call, {*wanted, *value}, type, buffer, length, result_length);
}
NTSTATUS enumerate_value(Call& call, HANDLE handle, ULONG index, ULONG type, void* buffer, ULONG length, ULONG* result_length) {
  NTSTATUS status;
  const Registry::Key* key = key_of(call, handle, status);
  if (key == nullptr) return status;
  if (index >= key->values.size()) return STATUS_NO_MORE_ENTRIES;
  return give_value(call, std::next(key->values.begin(), index)->second, type, buffer, length, result_length);
}

/// What a key says of itself. Classes and times of writing are not kept.
std::optional<Answer> answer_of(Registry& registry, const Registry::Key& key, ULONG type) {
  const std::u16string name = utf16_of(key.name());
  switch (type) {
    case KeyBasicInformation: {
      Answer answer(FIELD_OFFSET(KEY_BASIC_INFORMATION, Name));
      answer.put(12, bytes_of(name)), answer.append(name);
      return answer;
    }
    case KeyNodeInformation: {
      Answer answer(FIELD_OFFSET(KEY_NODE_INFORMATION, Name));
      answer.put(12, ~ULONG{0}), answer.put(20, bytes_of(name)), answer.append(name);
      return answer;
    }
    case KeyNameInformation: {
      Answer answer(FIELD_OFFSET(KEY_NAME_INFORMATION, Name));
      const std::u16string path = utf16_of(key.path);
      answer.put(0, bytes_of(path)), answer.append(path);
      return answer;
    }
    case KeyFullInformation: {
      ULONG longest_key = 0, longest_name = 0, longest_data = 0;
      const auto children = registry.subkeys(key.path);
      for (const Registry::Key* child : children) longest_key = std::max(longest_key, bytes_of(utf16_of(child->name())));
      for (const auto& [folded, value] : key.values) {
        longest_name = std::max(longest_name, bytes_of(utf16_of(value.name)));
        longest_data = std::max(longest_data, static_cast<ULONG>(value.value.data.size()));
      }
      Answer answer(FIELD_OFFSET(KEY_FULL_INFORMATION, Class));
      answer.put(12, ~ULONG{0}), answer.put(20, static_cast<ULONG>(children.size())), answer.put(24, longest_key);
      answer.put(32, static_cast<ULONG>(key.values.size())), answer.put(36, longest_name), answer.put(40, longest_data);
      return answer;
    }
    default: return std::nullopt;
  }
}

NTSTATUS give_key(Call& call, const Registry::Key& key, ULONG type, void* buffer, ULONG length, ULONG* result_length) {
  const auto answer = answer_of(registry_of(call), key, type);
  return answer ? answer->give(call, buffer, length, result_length, "KeyInformation") : STATUS_INVALID_PARAMETER;
}
NTSTATUS query_key(Call& call, HANDLE handle, ULONG type, void* buffer, ULONG length, ULONG* result_length) {
  NTSTATUS status;
  const Registry::Key* key = key_of(call, handle, status);
  return key == nullptr ? status : give_key(call, *key, type, buffer, length, result_length);
}
NTSTATUS enumerate_key(Call& call, HANDLE handle, ULONG index, ULONG type, void* buffer, ULONG length, ULONG* result_length) {
  NTSTATUS status;
  const Registry::Key* key = key_of(call, handle, status);
  if (key == nullptr) return status;
  const auto children = registry_of(call).subkeys(key->path);
  return index >= children.size() ? STATUS_NO_MORE_ENTRIES : give_key(call, *children[index], type, buffer, length, result_length);
}

// --- changes ----------------------------------------------------------------------------------------------------------------------

NTSTATUS set_value(Call& call, HANDLE handle, UNICODE_STRING* name, ULONG, ULONG type, void* data, ULONG length) {
  NTSTATUS status;
  Registry::Key* key = key_of(call, handle, status);
  const auto wanted = name_of(call, name, "ValueName");
  if (key == nullptr || !wanted) return key == nullptr ? status : STATUS_INVALID_PARAMETER;
  return store_value(call, *key, *wanted, type, data, length, "Data");
}
NTSTATUS delete_value(Call& call, HANDLE handle, UNICODE_STRING* name) {
  NTSTATUS status;
  Registry::Key* key = key_of(call, handle, status);
  const auto wanted = name_of(call, name, "ValueName");
  if (key == nullptr || !wanted) return key == nullptr ? status : STATUS_INVALID_PARAMETER;
  return Registry::delete_value(*key, *wanted) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}
NTSTATUS delete_key(Call& call, HANDLE handle) {
  NTSTATUS status;
  const Registry::Key* key = key_of(call, handle, status);
  if (key == nullptr) return status;
  return registry_of(call).remove(std::string(key->path)) ? STATUS_SUCCESS : STATUS_CANNOT_DELETE;
}
NTSTATUS flush_key(Call& call, HANDLE handle) {
  NTSTATUS status;
  return key_of(call, handle, status) == nullptr ? status : STATUS_SUCCESS;  // it lies in memory
}

}  // namespace

std::vector<Row> zw_rows() {
  const char* access = "access rights are not checked: a driver runs in kernel mode";
  const char* classes = "classes and times of writing are not kept";
  return {
      routine<"ZwOpenKey", kPassiveLevel, &open_key>(kModule, "nf-wdm-zwopenkey", Coverage::partial, access),
      routine<"ZwOpenKeyEx", kPassiveLevel, &open_key_ex>(kModule, "nf-wdm-zwopenkeyex", Coverage::partial, access),
      routine<"ZwCreateKey", kPassiveLevel, &create_key>(kModule, "nf-wdm-zwcreatekey", Coverage::partial, classes),
      routine<"ZwQueryValueKey", kPassiveLevel, &query_value>(kModule, "nf-wdm-zwqueryvaluekey"),
      routine<"ZwEnumerateValueKey", kPassiveLevel, &enumerate_value>(kModule, "nf-wdm-zwenumeratevaluekey"),
      routine<"ZwQueryKey", kPassiveLevel, &query_key>(kModule, "nf-wdm-zwquerykey", Coverage::partial, classes),
      routine<"ZwEnumerateKey", kPassiveLevel, &enumerate_key>(kModule, "nf-wdm-zwenumeratekey", Coverage::partial, classes),
      routine<"ZwSetValueKey", kPassiveLevel, &set_value>(kModule, "nf-wdm-zwsetvaluekey"),
      routine<"ZwDeleteValueKey", kPassiveLevel, &delete_value>(kModule, "nf-wdm-zwdeletevaluekey"),
      routine<"ZwDeleteKey", kPassiveLevel, &delete_key>(kModule, "nf-wdm-zwdeletekey"),
      routine<"ZwFlushKey", kPassiveLevel, &flush_key>(kModule, "nf-wdm-zwflushkey"),
  };
}

}  // namespace drydock::ddi
