// Any text as a value of --reg: taken, or refused in one line; what was taken is found again under its name.

#include "base/check.h"
#include "input.h"
#include "io/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace drydock;
  const std::string_view text = fuzz::Input(data, size).text();
  Registry registry;
  const auto done = registry.set_from_text(text);
  if (!done) {
    CHECK(!done.error().message.empty(), "a refusal says why");
    return 0;
  }
  const auto path = text.substr(0, text.find('='));
  const auto slash = path.rfind('\\');
  const auto key = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  const RegistryValue* value = registry.find(key, slash == std::string_view::npos ? path : path.substr(slash + 1));
  CHECK(value != nullptr, "what was set is found");
  const std::size_t bytes = value->data.size();
  CHECK(value->type != RegistryType::dword || bytes == 4, "a dword has four bytes");
  CHECK(value->type != RegistryType::qword || bytes == 8, "a qword has eight bytes");
  const bool is_text = value->type == RegistryType::sz || value->type == RegistryType::multi_sz;
  CHECK(!is_text || (bytes >= 2 && bytes % 2 == 0 && value->data[bytes - 1] == std::byte{} && value->data[bytes - 2] == std::byte{}),
        "a text is terminated");
  return 0;
}
