#include "trace/json_lines.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace drydock {

Result<std::unique_ptr<JsonLines>> JsonLines::create(const std::string& path, std::uint64_t (*now)(void*), void* context) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return refuse("cannot write the trace file {}: {}", path, std::strerror(errno));
  return std::unique_ptr<JsonLines>(new JsonLines(file, now, context));
}

JsonLines::~JsonLines() { std::fclose(file_); }

int JsonLines::finish() {
  errno = 0;
  if (std::fflush(file_) == 0 && std::ferror(file_) == 0) return 0;
  return errno != 0 ? errno : EIO;
}

void JsonLines::observe(const TraceEvent& event) {
  nlohmann::ordered_json line;
  line["t"] = now_(context_);
  std::visit([&](const auto& e) {
    line["event"] = e.name;
    e.fields([&](const char* name, const auto& value) { line[name] = value; });
  }, event);
  const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), file_);
}

}  // namespace drydock
