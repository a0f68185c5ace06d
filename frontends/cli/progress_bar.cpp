#include "progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace drydock {
namespace {

constexpr std::size_t kBarColumns = 32;
constexpr auto kInterval = std::chrono::milliseconds(50);

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(const SelfCheckProgress& progress, std::size_t columns) {
  const double share = progress.total == 0 ? 0.0 : std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
  const auto filled = static_cast<std::size_t>(share * kBarColumns);
  std::string bar(filled, '=');
  if (filled < kBarColumns) bar += '>';
  bar.resize(kBarColumns, ' ');
  return fmt::format("[{}] {:3} %  {}", bar, static_cast<int>(share * 100), progress.what).substr(0, columns);
}

ProgressBar::ProgressBar() : visible_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (visible_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::show(const SelfCheckProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || (now < next_ && progress.done != progress.total)) return;
  next_ = now + kInterval;
  fmt::print(stderr, "\r{}\033[K", progress_line(progress, terminal_columns() - 1));
  std::fflush(stderr);
}

}  // namespace drydock
