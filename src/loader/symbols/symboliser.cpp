#include "loader/symbols/symboliser.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace drydock {
namespace {

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  std::string rest = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string candidate = rest.substr(0, colon) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

/// Between fork and exec: system calls only. A socket is both its input and its output, and nothing else stays open.
[[noreturn]] void become(const char* program, int channel, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::fcntl(channel, F_SETFD, 0);
  ::dup2(channel, 0);
  ::dup2(channel, 1);
  ::dup2(::open("/dev/null", O_WRONLY), 2);
  ::close_range(3, ~0u, 0);
  // short: a name from DWARF, where "linkage" would take the last symbol at the same address.
  const char* arguments[] = {program, "--output-style=JSON", "--functions=short", nullptr};
  const char* environment[] = {nullptr};  // no debuginfod: names come from files beside the driver, not from a network
  ::execve(program, const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
  ::_exit(127);
}

/// The question is one line with the path in quotes: a path that has some itself cannot be asked about.
bool can_ask(const std::string& path) {
  return !path.empty() && path.find_first_of("\"\n\r") == std::string::npos;
}

std::string base_name(const std::string& path) {
  const auto slash = path.find_last_of("/\\");
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string text(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<SourceLocation> parse_answer(const std::string& line) {
  std::vector<SourceLocation> locations;
  const auto answer = nlohmann::json::parse(line, nullptr, false);
  if (!answer.is_object() || !answer.contains("Symbol") || !answer["Symbol"].is_array()) return locations;
  for (const auto& symbol : answer["Symbol"]) {
    if (!symbol.is_object()) continue;
    SourceLocation location;
    location.function = text(symbol, "FunctionName");
    location.file_path = text(symbol, "FileName");
    location.file = base_name(location.file_path);
    if (symbol.contains("Line") && symbol["Line"].is_number_unsigned()) location.line = symbol["Line"].get<std::uint32_t>();
    if (!location.function.empty() || !location.file.empty()) locations.push_back(std::move(location));
  }
  return locations;
}

/// Time left for one answer.
class Patience {
 public:
  explicit Patience(int ms) : until_(Clock::now() + std::chrono::milliseconds(ms)) {}
  int left_ms() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point until_;
};

bool wait_for(int fd, short events, const Patience& patience) {
  for (;;) {
    pollfd one{fd, events, 0};
    const int ready = ::poll(&one, 1, patience.left_ms());
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
    if (patience.left_ms() == 0) return false;
  }
}

}  // namespace

Symboliser::~Symboliser() { stop(); }

const SourceLocation& telling_place(const std::vector<SourceLocation>& chain) {
  const auto own = std::find_if(chain.begin(), chain.end(), [](const SourceLocation& place) {
    return place.line != 0 && !place.file.ends_with(".h") && !place.file.ends_with(".hpp");
  });
  return own != chain.end() ? *own : chain.front();
}

std::string Symboliser::describe(const Image& image, std::uint64_t address, RipKind kind) {
  const auto locations = locate(image, address, kind);
  if (locations.empty() || locations[0].function.empty()) return image.name_of(address);
  const auto& where = telling_place(locations);
  return where.line ? fmt::format("{} {}:{}", where.function, where.file, where.line)
                    : fmt::format("{} ({})", where.function, image.name_of(address));
}

std::vector<SourceLocation> Symboliser::locate(const Image& image, std::uint64_t address, RipKind kind) {
  const std::uint64_t looked_up = kind == RipKind::return_address ? address - 1 : address;
  return locate(image.path(), looked_up - image.slide());
}

std::vector<SourceLocation> Symboliser::locate(const std::string& image_path, std::uint64_t link_address) {
  if (!can_ask(image_path)) return {};
  Key key{image_path, link_address};
  if (const auto known = cache_.find(key); known != cache_.end()) return known->second;
  if (cache_.size() >= kSymbolCacheMax) cache_.clear();
  auto locations = ask(key);
  if (child_ != -1) cache_.emplace(std::move(key), locations);  // not what a failing child did not say
  return locations;
}

std::vector<SourceLocation> Symboliser::ask(const Key& key) {
  if (child_ == -1 && !start()) return {};
  std::string line;
  if (send(fmt::format("CODE \"{}\" {:#x}\n", key.first, key.second)) && receive_line(line)) return parse_answer(line);
  ++failures_;
  stop();
  return {};
}

bool Symboliser::start() {
  if (failures_ >= kSymboliserFailuresMax) return false;
  for (const auto& name : options_.programs)
    if (const auto program = find_program(name); !program.empty() && spawn(program)) return true;
  failures_ = kSymboliserFailuresMax;
  return false;
}

bool Symboliser::spawn(const std::string& program) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(program.c_str(), ends[1], parent);
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return false;
  }
  child_ = child;
  channel_ = ends[0];
  ::fcntl(channel_, F_SETFL, O_NONBLOCK);
  return true;
}

void Symboliser::stop() {
  if (child_ == -1) return;
  ::close(channel_);
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  channel_ = -1;
  received_.clear();
}

bool Symboliser::send(const std::string& question) {
  const Patience patience(options_.timeout_ms);
  for (std::size_t done = 0; done < question.size();) {
    const ssize_t sent = ::send(channel_, question.data() + done, question.size() - done, MSG_NOSIGNAL);
    if (sent > 0) done += static_cast<std::size_t>(sent);
    else if (errno == EAGAIN && wait_for(channel_, POLLOUT, patience)) continue;
    else if (errno != EINTR) return false;
  }
  return true;
}

bool Symboliser::receive_line(std::string& line) {
  const Patience patience(options_.timeout_ms);
  while (patience.left_ms() > 0) {
    if (const auto end = received_.find('\n'); end != std::string::npos) {
      line = received_.substr(0, end);
      received_.erase(0, end + 1);
      if (!line.empty()) return true;
      continue;
    }
    char buffer[4096];
    const ssize_t got = ::recv(channel_, buffer, sizeof buffer, 0);
    if (got > 0 && received_.size() < kSymbolAnswerMax) received_.append(buffer, static_cast<std::size_t>(got));
    else if (got < 0 && errno == EAGAIN && wait_for(channel_, POLLIN, patience)) continue;
    else if (got >= 0 || errno != EINTR) return false;
  }
  return false;
}

}  // namespace drydock
