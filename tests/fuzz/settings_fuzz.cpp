// Any text as options: lines of KEY=VALUE through the table that the command line and the plugin share, and each value
// as a device with its settings, and as a size. Everything is taken or refused with a reason.

#include "base/check.h"
#include "base/size.h"
#include "common/settings.h"
#include "devices/catalogue.h"
#include "input.h"

namespace {

using namespace drydock;

void check_refusal(const Result<void>& done) {
  CHECK(done || !done.error().message.empty(), "a refusal says why");
}

void try_line(Options& options, std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return check_refusal(check_device(line));
  const auto value = line.substr(equals + 1);
  const auto done = set_option(options, line.substr(0, equals), value);
  check_refusal(done);
  check_refusal(check_device(value));
  if (const auto size = parse_size(value)) CHECK(!size_text(*size).empty(), "a size can be shown");
  (void)is_disk_file(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Options options;
  std::string_view text = fuzz::Input(data, size).text();
  while (!text.empty()) {
    const auto end = text.find('\n');
    try_line(options, text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  CHECK(options.cpus >= 1 && options.cpus <= 64, "only a number of processors that can be");
  CHECK(options.memory >= 16u << 20, "only a memory that can be");
  return 0;
}
