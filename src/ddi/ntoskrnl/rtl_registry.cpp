// ntoskrnl.exe: Rtl…Registry…: values by path, and the table that queries many.

#include <cstring>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"
#include "ddi/ntoskrnl/registry_keys.h"
#include "ddi/ntoskrnl/names.h"
#include "ddi/pool.h"
#include "ddi/text.h"

namespace drydock::ddi {

NTSTATUS store_value(Call& call, Registry::Key& key, std::string_view name, ULONG type, const void* data, ULONG length, const char* what) {
  const std::byte* host = call.range(data, length, false, what);
  if (host == nullptr) return STATUS_ACCESS_VIOLATION;
  Registry::set_value(key, name, {static_cast<RegistryType>(type), std::vector<std::byte>(host, host + length)});
  return STATUS_SUCCESS;
}

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kTemporaryTag = 0x676552;  // 'Reg'

Registry& registry_of(Call& call) { return call.services().registry; }

// --- paths --------------------------------------------------------------------------------------------------------------------

/// Where RelativeTo points; none: it is absolute, or unknown.
std::optional<std::string> root_of(ULONG relative_to) {
  switch (relative_to) {
    case RTL_REGISTRY_ABSOLUTE: return "";
    case RTL_REGISTRY_SERVICES: return std::string(Registry::kServices) + "\\";
    case RTL_REGISTRY_CONTROL: return std::string(Registry::kControlSet) + "\\Control\\";
    case RTL_REGISTRY_WINDOWS_NT: return "\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\";
    case RTL_REGISTRY_DEVICEMAP: return "\\Registry\\Machine\\Hardware\\DeviceMap\\";
    case RTL_REGISTRY_USER: return "\\Registry\\User\\.Default\\";
    default: return std::nullopt;
  }
}

/// The path of an open key; the handle is the Path parameter.
std::optional<std::string> path_of_handle(Call& call, const void* handle) {
  CountedObject* object = call.kernel().objects().objects.by_handle(reinterpret_cast<std::uint64_t>(handle));
  if (object != nullptr && object->kind == CountedKind::key) return path_of_key(*object);
  call.broken("VER-166", "", fmt::format("{} was given {:#x}, which is no open handle of a key", call.name(), reinterpret_cast<std::uint64_t>(handle)));
  return std::nullopt;
}

std::optional<std::string> path_of(Call& call, ULONG relative_to, const char16_t* path) {
  if ((relative_to & RTL_REGISTRY_HANDLE) != 0) return path_of_handle(call, path);
  const auto root = root_of(relative_to & ~static_cast<ULONG>(RTL_REGISTRY_OPTIONAL));
  if (!root) return std::nullopt;
  std::string text = path == nullptr ? "" : utf8_of(driver_string(call, path, kTextMax, "Path"));
  return *root + text;
}

std::string value_name(Call& call, const char16_t* name) { return name == nullptr ? "" : utf8_of(driver_string(call, name, kTextMax, "ValueName")); }

NTSTATUS check_key(Call& call, ULONG relative_to, const char16_t* path) {
  const auto full = path_of(call, relative_to, path);
  if (!full) return STATUS_INVALID_PARAMETER;
  return registry_of(call).open(*full) == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}
NTSTATUS create_key(Call& call, ULONG relative_to, const char16_t* path) {
  const auto full = path_of(call, relative_to, path);
  if (!full) return STATUS_INVALID_PARAMETER;
  bool made = false;
  return registry_of(call).create(*full, false, made) == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
}
// The key is made when it is not there.
NTSTATUS write_value(Call& call, ULONG relative_to, const char16_t* path, const char16_t* name, ULONG type, const void* data, ULONG length) {
  const auto full = path_of(call, relative_to, path);
  if (!full) return STATUS_INVALID_PARAMETER;
  bool made = false;
  Registry::Key* key = registry_of(call).create(*full, false, made);
  return key == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND : store_value(call, *key, value_name(call, name), type, data, length, "ValueData");
}
NTSTATUS delete_value(Call& call, ULONG relative_to, const char16_t* path, const char16_t* name) {
  const auto full = path_of(call, relative_to, path);
  Registry::Key* key = full ? registry_of(call).open(*full) : nullptr;
  if (key == nullptr) return full ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_INVALID_PARAMETER;
  return Registry::delete_value(*key, value_name(call, name)) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

// --- queries by a table -----------------------------------------------------------------------------------------------------------

struct Query {
  Call& call;
  RTL_QUERY_REGISTRY_TABLE entry;
  void* context;
};

bool is_text(ULONG type) { return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ; }

/// Into a UNICODE_STRING: a new buffer, or the one that is there if it is large enough.
NTSTATUS store_text(const Query& query, const std::vector<std::byte>& data) {
  auto* string = query.call.object(static_cast<UNICODE_STRING*>(query.entry.EntryContext), "EntryContext");
  if (string == nullptr) return STATUS_ACCESS_VIOLATION;
  const auto bytes = static_cast<USHORT>(std::min<std::size_t>(data.size(), 0xFFFE));
  if (string->Buffer == nullptr) {
    string->Buffer = static_cast<PWSTR>(pool_allocate(query.call, bytes, kTemporaryTag, PoolKind::paged));
    if (string->Buffer == nullptr) return STATUS_NO_MEMORY;
    string->MaximumLength = bytes;
  }
  if (string->MaximumLength < bytes) return STATUS_BUFFER_TOO_SMALL;
  std::byte* to = query.call.range(string->Buffer, bytes, true, "EntryContext");
  if (to == nullptr) return STATUS_ACCESS_VIOLATION;
  std::memcpy(to, data.data(), bytes);
  const bool terminated = bytes >= 2 && data[bytes - 1u] == std::byte{0} && data[bytes - 2u] == std::byte{0};
  string->Length = static_cast<USHORT>(bytes - (terminated ? 2 : 0));
  return STATUS_SUCCESS;
}

/// A number, or bytes behind a LONG that says how large the buffer is: negative, if it wants the bytes alone.
NTSTATUS store_bytes(const Query& query, ULONG type, const std::vector<std::byte>& data) {
  if (data.size() <= sizeof(ULONG)) {
    std::byte* to = query.call.range(query.entry.EntryContext, data.size(), true, "EntryContext");
    if (to != nullptr) std::copy(data.begin(), data.end(), to);
    return to == nullptr ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
  }
  const LONG* room = query.call.object(static_cast<LONG*>(query.entry.EntryContext), "EntryContext");
  if (room == nullptr) return STATUS_ACCESS_VIOLATION;
  const std::size_t head = *room < 0 ? 0 : 2 * sizeof(ULONG);
  const auto size = static_cast<std::size_t>(*room < 0 ? -static_cast<LONGLONG>(*room) : *room);
  if (size < head + data.size()) return STATUS_BUFFER_TOO_SMALL;
  std::byte* to = query.call.range(query.entry.EntryContext, head + data.size(), true, "EntryContext");
  if (to == nullptr) return STATUS_ACCESS_VIOLATION;
  const auto length = static_cast<ULONG>(data.size());
  if (head != 0) std::memcpy(to, &length, 4), std::memcpy(to + 4, &type, 4);
  std::memcpy(to + head, data.data(), data.size());
  return STATUS_SUCCESS;
}

/// Calls QueryRoutine with copies that are the driver's to read during the call.
NTSTATUS call_routine(const Query& query, const std::string& name, ULONG type, const std::vector<std::byte>& data) {
  const std::u16string wide = utf16_of(name);
  const std::size_t name_bytes = wide.size() * 2 + 2, at = (name_bytes + 15) / 16 * 16;
  Pool& pool = query.call.services().pool;
  auto* copy = static_cast<std::byte*>(pool.allocate(at + data.size(), PoolKind::paged, kTemporaryTag));
  if (copy == nullptr) return STATUS_NO_MEMORY;
  std::memset(copy, 0, name_bytes);
  std::memcpy(copy, wide.data(), wide.size() * 2);
  if (!data.empty()) std::memcpy(copy + at, data.data(), data.size());
  const NTSTATUS status = query.call.services().call("RTL_QUERY_REGISTRY_ROUTINE", EntryKind::routine, query.entry.QueryRoutine, reinterpret_cast<PWSTR>(copy), type,
                                                     static_cast<void*>(data.empty() ? nullptr : copy + at), static_cast<ULONG>(data.size()), query.context, query.entry.EntryContext);
  (void)pool.free(copy);
  return status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : status;
}

std::vector<std::byte> terminated(std::u16string_view text) {
  std::vector<std::byte> data((text.size() + 1) * 2);
  if (!text.empty()) std::memcpy(data.data(), text.data(), text.size() * 2);
  return data;
}

/// Each string of a REG_MULTI_SZ for itself.
NTSTATUS call_for_each(const Query& query, const std::string& name, const std::vector<std::byte>& data) {
  std::u16string text(data.size() / 2, u'\0');
  std::memcpy(text.data(), data.data(), text.size() * 2);
  for (std::u16string_view rest = text; !rest.empty() && rest.front() != 0;) {
    const auto end = std::min(rest.find(u'\0'), rest.size());
    if (const NTSTATUS status = call_routine(query, name, REG_SZ, terminated(rest.substr(0, end))); status < 0) return status;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return STATUS_SUCCESS;
}

NTSTATUS deliver(const Query& query, const std::string& name, ULONG type, const std::vector<std::byte>& data) {
  const ULONG expected = query.entry.DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
  if ((query.entry.Flags & RTL_QUERY_REGISTRY_TYPECHECK) != 0 && expected != type) return STATUS_OBJECT_TYPE_MISMATCH;
  if ((query.entry.Flags & RTL_QUERY_REGISTRY_DIRECT) != 0) return is_text(type) ? store_text(query, data) : store_bytes(query, type, data);
  if (query.entry.QueryRoutine == nullptr) return STATUS_SUCCESS;
  const bool expands = (query.entry.Flags & RTL_QUERY_REGISTRY_NOEXPAND) == 0;
  if (type == REG_MULTI_SZ && expands) return call_for_each(query, name, data);
  return call_routine(query, name, type == REG_EXPAND_SZ && expands ? ULONG{REG_SZ} : type, data);
}

/// The default of the table, or what REQUIRED says of a value that is missing.
NTSTATUS deliver_default(const Query& query, const std::string& name) {
  const ULONG type = query.entry.DefaultType & 0xFF'FFFF;
  if (type == REG_NONE) return (query.entry.Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0 ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
  std::vector<std::byte> data;
  if (query.entry.DefaultLength == 0 && is_text(type)) {
    data = terminated(driver_string(query.call, reinterpret_cast<const char16_t*>(query.entry.DefaultData), kTextMax, "DefaultData"));
  } else {
    const std::byte* host = query.call.range(query.entry.DefaultData, query.entry.DefaultLength, false, "DefaultData");
    if (host == nullptr) return STATUS_ACCESS_VIOLATION;
    data.assign(host, host + query.entry.DefaultLength);
  }
  return deliver(query, name, type, data);
}

NTSTATUS query_all(const Query& query, const Registry::Key& key) {
  const auto values = key.values;  // the routine may change them
  for (const auto& [folded, value] : values)
    if (const NTSTATUS status = deliver(query, value.name, static_cast<ULONG>(value.value.type), value.value.data); status < 0) return status;
  return STATUS_SUCCESS;
}

NTSTATUS query_value(const Query& query, Registry::Key* key) {
  if ((query.entry.Flags & RTL_QUERY_REGISTRY_NOVALUE) != 0) return call_routine(query, "", REG_NONE, {});
  if (query.entry.Name == nullptr) return key == nullptr ? STATUS_OBJECT_NAME_NOT_FOUND : query_all(query, *key);
  const std::string name = utf8_of(driver_string(query.call, reinterpret_cast<const char16_t*>(query.entry.Name), kTextMax, "Name"));
  const RegistryValue* found = key == nullptr ? nullptr : Registry::value_of(*key, name);
  if (found == nullptr) return deliver_default(query, name);
  const RegistryValue value = *found;
  const NTSTATUS status = deliver(query, name, static_cast<ULONG>(value.type), value.data);
  if (status >= 0 && (query.entry.Flags & RTL_QUERY_REGISTRY_DELETE) != 0) Registry::delete_value(*key, name);
  return status;
}

NTSTATUS query_values(Call& call, ULONG relative_to, const char16_t* path, RTL_QUERY_REGISTRY_TABLE* table, void* context, void*) {
  const auto top = path_of(call, relative_to, path);
  if (!top) return STATUS_INVALID_PARAMETER;
  std::string current = *top;
  const bool optional = (relative_to & RTL_REGISTRY_OPTIONAL) != 0 && (relative_to & RTL_REGISTRY_HANDLE) == 0;
  if (registry_of(call).open(current) == nullptr && !optional) return STATUS_OBJECT_NAME_NOT_FOUND;
  for (;; ++table) {
    const auto* entry = call.object<const RTL_QUERY_REGISTRY_TABLE>(table, "QueryTable");
    if (entry == nullptr) return STATUS_ACCESS_VIOLATION;
    const bool known = entry->QueryRoutine != nullptr || (entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)) != 0;
    if (!known) return STATUS_SUCCESS;
    Query query{call, *entry, context};
    if ((entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_TOPKEY)) != 0) current = *top;
    if ((entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) != 0) {
      if (entry->Name == nullptr) return STATUS_INVALID_PARAMETER;
      current += "\\" + utf8_of(driver_string(call, reinterpret_cast<const char16_t*>(entry->Name), kTextMax, "Name"));
      const Registry::Key* subkey = registry_of(call).open(current);
      if (subkey == nullptr && (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) != 0) return STATUS_OBJECT_NAME_NOT_FOUND;
      if (entry->QueryRoutine == nullptr || subkey == nullptr) continue;
      query.entry.Name = nullptr;
    }
    if (const NTSTATUS status = query_value(query, registry_of(call).open(current)); status < 0) return status;
  }
}

}  // namespace

std::vector<Row> rtl_registry_rows() {
  return {
      routine<"RtlCheckRegistryKey", kPassiveLevel, &check_key>(kModule, "nf-wdm-rtlcheckregistrykey"),
      routine<"RtlCreateRegistryKey", kPassiveLevel, &create_key>(kModule, "nf-wdm-rtlcreateregistrykey"),
      routine<"RtlWriteRegistryValue", kPassiveLevel, &write_value>(kModule, "nf-wdm-rtlwriteregistryvalue"),
      routine<"RtlDeleteRegistryValue", kPassiveLevel, &delete_value>(kModule, "nf-wdm-rtldeleteregistryvalue"),
      routine<"RtlQueryRegistryValues", kPassiveLevel, &query_values>(kModule, "nf-wdm-rtlqueryregistryvalues", Coverage::partial, "variables in REG_EXPAND_SZ are not replaced: there is no environment"),
  };
}

}  // namespace drydock::ddi
