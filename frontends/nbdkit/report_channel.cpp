#include "nbdkit/report_channel.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "common/report_json.h"

namespace drydock {
namespace {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool write_file(const std::string& path, std::string_view text) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return false;
  const bool written = write_all(descriptor, text);
  return close(descriptor) == 0 && written;
}

}  // namespace

void ReportChannel::serving(std::size_t disks) const {
  if (descriptor_ >= 0) write_all(descriptor_, serving_line(disks));
}

bool ReportChannel::finished(const Report& report) {
  if (descriptor_ >= 0) {
    write_all(descriptor_, json_text(report, false) + '\n');
    close(descriptor_);
    descriptor_ = -1;
  }
  return path_.empty() || write_file(path_, json_text(report, true) + '\n');
}

}  // namespace drydock
