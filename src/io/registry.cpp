#include "io/registry.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace drydock {

namespace {

constexpr std::size_t kValueMax = 64 * 1024;

void append_utf16(std::vector<std::byte>& to, std::string_view text) {
  for (const char c : text) {
    to.push_back(static_cast<std::byte>(c));
    to.push_back(std::byte{0});
  }
  to.insert(to.end(), 2, std::byte{0});
}

template <class T>
std::optional<std::vector<std::byte>> number(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  std::vector<std::byte> data(sizeof value);
  std::memcpy(data.data(), &value, sizeof value);
  return data;
}

std::optional<std::vector<std::byte>> binary(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> data;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (error != std::errc{} || end != text.data() + i + 2) return std::nullopt;
    data.push_back(static_cast<std::byte>(value));
  }
  return data;
}

std::vector<std::byte> string(std::string_view text) {
  std::vector<std::byte> data;
  append_utf16(data, text);
  return data;
}

std::vector<std::byte> strings(std::string_view text) {
  std::vector<std::byte> data;
  while (!text.empty()) {
    const auto cut = text.find(';');
    append_utf16(data, text.substr(0, cut));
    text = cut == text.npos ? std::string_view{} : text.substr(cut + 1);
  }
  data.insert(data.end(), 2, std::byte{0});
  return data;
}

/// What may stand behind "TYPE:"; empty: there is no such type.
std::string_view values_of_type(std::string_view type) {
  if (type == "dword") return "a number from 0 to 4294967295 (0x… is hexadecimal)";
  if (type == "qword") return "a number from 0 to 18446744073709551615 (0x… is hexadecimal)";
  if (type == "binary") return "pairs of hexadecimal digits, such as 0a0b";
  if (type == "sz") return "a text";
  return type == "multi_sz" ? "texts, such as a;b" : "";
}

std::optional<RegistryValue> parse_value(std::string_view type, std::string_view text) {
  const auto typed = [](RegistryType t, std::optional<std::vector<std::byte>> data) -> std::optional<RegistryValue> {
    if (!data) return std::nullopt;
    return RegistryValue{t, std::move(*data)};
  };
  if (type == "dword") return typed(RegistryType::dword, number<std::uint32_t>(text));
  if (type == "qword") return typed(RegistryType::qword, number<std::uint64_t>(text));
  if (type == "binary") return typed(RegistryType::binary, binary(text));
  if (type == "sz") return typed(RegistryType::sz, string(text));
  if (type == "multi_sz") return typed(RegistryType::multi_sz, strings(text));
  return std::nullopt;
}

}  // namespace

// --- the tree ---------------------------------------------------------------------------------------------------------------

namespace {

std::string folded(std::string_view name) {
  std::string result;
  for (const char c : name) result += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return result;
}

/// The numbered control set is the current one.
std::string folded_path(std::string_view path) {
  constexpr std::string_view kNumbered = "\\registry\\machine\\system\\controlset001";
  while (path.size() > 1 && path.back() == '\\') path.remove_suffix(1);
  std::string result = folded(path);
  if (result.starts_with(kNumbered) && (result.size() == kNumbered.size() || result[kNumbered.size()] == '\\'))
    result = folded(Registry::kControlSet) + result.substr(kNumbered.size());
  return result;
}

std::string_view parent_of(std::string_view path) { return path.substr(0, path.rfind('\\')); }

}  // namespace

Registry::Registry() {
  for (const std::string_view path : {kServices, std::string_view("\\Registry\\Machine\\System\\CurrentControlSet\\Control"),
                                      std::string_view("\\Registry\\Machine\\System\\CurrentControlSet\\Enum"),
                                      std::string_view("\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion"),
                                      std::string_view("\\Registry\\Machine\\Hardware\\DeviceMap"), std::string_view("\\Registry\\User\\.Default")})
    create_path(path);
}

Registry::Key* Registry::open(std::string_view path) {
  const auto at = keys_.find(folded_path(path));
  return at == keys_.end() ? nullptr : &at->second;
}

Registry::Key* Registry::create(std::string_view path, bool is_volatile, bool& made) {
  made = false;
  if (Key* key = open(path)) return key;
  if (open(parent_of(path)) == nullptr) return nullptr;
  made = true;
  Key& key = keys_[folded_path(path)];
  key.path = path;
  key.is_volatile = is_volatile;
  return &key;
}

Registry::Key& Registry::create_path(std::string_view path) {
  const std::string_view parent = parent_of(path);
  if (!parent.empty() && open(parent) == nullptr) create_path(parent);
  Key& key = keys_[folded_path(path)];
  if (key.path.empty()) key.path = path;
  return key;
}

bool Registry::remove(std::string_view path) {
  if (!subkeys(path).empty()) return false;
  return keys_.erase(folded_path(path)) != 0;
}

std::vector<const Registry::Key*> Registry::subkeys(std::string_view path) const {
  const std::string prefix = folded_path(path) + '\\';
  std::vector<const Key*> found;
  for (auto at = keys_.lower_bound(prefix); at != keys_.end() && at->first.starts_with(prefix); ++at)
    if (at->first.find('\\', prefix.size()) == std::string::npos) found.push_back(&at->second);
  return found;
}

const RegistryValue* Registry::value_of(const Key& key, std::string_view name) {
  const auto at = key.values.find(folded(name));
  return at == key.values.end() ? nullptr : &at->second.value;
}

void Registry::set_value(Key& key, std::string_view name, RegistryValue value) {
  NamedValue& named = key.values[folded(name)];
  if (named.name.empty()) named.name = name;
  named.value = std::move(value);
}

bool Registry::delete_value(Key& key, std::string_view name) { return key.values.erase(folded(name)) != 0; }

// --- below the service key ----------------------------------------------------------------------------------------------------

std::string Registry::below_service(std::string_view key) const {
  std::string path(kServices);
  path += '\\';
  path += service_;
  if (!key.empty()) (path += '\\') += key;
  return path;
}

Result<void> Registry::set_from_text(std::string_view text) {
  const auto equals = text.find('=');
  const auto colon = equals == text.npos ? text.npos : text.find(':', equals);
  if (colon == text.npos) return refuse("--reg '{}': write KEY\\NAME=TYPE:VALUE, for example Parameters\\Device\\X=dword:1", text);
  const auto path = text.substr(0, equals), type = text.substr(equals + 1, colon - equals - 1), written = text.substr(colon + 1);
  const auto slash = path.rfind('\\');
  if (slash == path.npos) return refuse("--reg '{}': the name of a key belongs before {}, for example Parameters\\{}", text, path, path);
  if (slash + 1 == path.size()) return refuse("--reg '{}': no name of a value stands behind the key", text);
  const std::string_view values = values_of_type(type);
  if (values.empty()) return refuse("--reg '{}': there is no type '{}'; there are dword, qword, sz, multi_sz and binary", text, type);
  auto value = parse_value(type, written);
  if (!value) return refuse("--reg '{}': '{}' is not {}", text, written, values);
  if (value->data.size() > kValueMax) return refuse("--reg: a value of more than {} bytes", kValueMax);
  set(path.substr(0, slash), path.substr(slash + 1), std::move(*value));
  return {};
}

void Registry::set(std::string_view key, std::string_view name, RegistryValue value) {
  set_value(create_path(below_service(key)), name, std::move(value));
}

const RegistryValue* Registry::find(std::string_view key, std::string_view name) const {
  const auto at = keys_.find(folded_path(below_service(key)));
  return at == keys_.end() ? nullptr : value_of(at->second, name);
}

}  // namespace drydock
