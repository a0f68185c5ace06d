#include "server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "child_process.h"
#include "common/exports.h"
#include "common/report_json.h"
#include "listening_socket.h"

namespace drydock {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kServerGrace = std::chrono::seconds(60);  // flushing a large disk takes its time
constexpr auto kCommandGrace = std::chrono::seconds(5);
constexpr const char* kPluginFile = "nbdkit-drydock-plugin.so";

/// nbdkit's plugin directory as seen from the folder of a program that was moved, or unpacked, with it: /usr/bin and
/// /usr/lib/… are two steps and a few apart wherever /usr is.
std::filesystem::path plugin_folder_from(const std::filesystem::path& bin) {
  constexpr std::string_view kUsr = "/usr/";
  const std::string_view installed = DRYDOCK_PLUGIN_DIR;
  return installed.starts_with(kUsr) ? bin / ".." / installed.substr(kUsr.size()) : std::filesystem::path(installed);
}

}  // namespace

/// $DRYDOCK_PLUGIN, else beside this program, else where it was installed.
Result<std::string> find_plugin() {
  std::vector<std::filesystem::path> places;
  if (const char* named = std::getenv("DRYDOCK_PLUGIN")) {
    places.emplace_back(named);
  } else {
    std::error_code ignored;
    const auto bin = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    places.push_back(bin / kPluginFile);
    places.push_back(plugin_folder_from(bin) / kPluginFile);
    places.push_back(std::filesystem::path(DRYDOCK_PLUGIN_DIR) / kPluginFile);
  }
  for (const auto& place : places)
    if (std::error_code error; std::filesystem::exists(place, error)) return std::filesystem::absolute(place).string();
  return refuse("cannot find the nbdkit plugin {}", places.front().string());
}

namespace {

ChildProgram server_program(const RunRequest& request, const std::string& plugin, const ListeningSocket& socket, int report) {
  ChildProgram program;
  program.words = {"nbdkit", "--exit-with-parent", "--foreground", plugin};
  for (const auto& [key, value] : request.settings) program.words.push_back(key + '=' + value);
  program.words.push_back("report-fd=4");
  program.words.push_back("remove-at-end=" + socket.path());
  program.descriptors = {socket.descriptor(), report};
  program.socket_activated = true;
  return program;
}

/// $uri is the first disk; of several, $uri0, $uri1 and so on are each of them.
ChildProgram command_program(const std::string& command, const ListeningSocket& socket, std::size_t disks) {
  ChildProgram program;
  program.words = {"/bin/sh", "-c", command};
  program.environment = {{"uri", socket.uri()}, {"unixsocket", socket.path()}, {"nbd", "nbd:unix:" + socket.path()}};
  for (std::size_t i = 0; i < disks; ++i) program.environment.emplace_back("uri" + std::to_string(i), socket.uri(export_name(i)));
  program.own_group = isatty(STDIN_FILENO) == 0;  // on a terminal it shares ours, to be allowed to read from it
  program.guarded = true;                         // a shell's children are not told when drydock dies
  return program;
}

struct Pipe {
  Descriptor read_end, write_end;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return refuse("cannot make a pipe: {}", strerror(errno));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<Descriptor> take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  Descriptor descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) return refuse("cannot wait for signals: {}", strerror(errno));
  return descriptor;
}

/// The server, the command and what we heard of them. Ends when the server has.
class Session {
 public:
  Session(const RunRequest& request, ListeningSocket& socket, ChildProcess server, Descriptor signals, Descriptor reports)
      : request_(request), socket_(socket), server_(server), signals_(std::move(signals)), reports_(std::move(reports)) {}

  Served run() {
    while (!over()) {
      wait_for_news();
      read_signals();
      read_reports();
      react();
    }
    return result();
  }

 private:
  bool over() { return server_.ended() && !reports_ && !(command_ && !command_->ended()); }

  void wait_for_news() {
    std::array<pollfd, 2> waits = {pollfd{signals_.number(), POLLIN, 0}, pollfd{reports_.number(), POLLIN, 0}};
    poll(waits.data(), waits.size(), deadline_ ? 100 : -1);
  }

  void read_signals() {
    signalfd_siginfo info;
    while (read(signals_.number(), &info, sizeof info) == sizeof info)
      if (info.ssi_signo != SIGCHLD) stop_requested(static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL);
  }

  /// The first request is passed on politely; the next one is not.
  void stop_requested(int number, bool from_terminal) {
    const bool running = command_ && !command_->ended();
    if (stopping_) {
      if (running) command_->signal(SIGKILL);
      stop_server();
    } else if (running) {
      const bool it_heard = from_terminal && isatty(STDIN_FILENO) != 0;
      if (!it_heard) command_->signal(number);
    } else {
      stop_server();
    }
    stopping_ = true;
  }

  /// Everything there is, until the pipe is empty; end of file closes it.
  void read_reports() {
    std::array<char, 65536> chunk;
    while (reports_) {
      pollfd wait = {reports_.number(), POLLIN, 0};
      if (poll(&wait, 1, 0) <= 0) return;
      const ssize_t got = read(reports_.number(), chunk.data(), chunk.size());
      if (got > 0) heard_.append(chunk.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) reports_.close();
    }
  }

  void react() {
    if (!serving_)
      if (const auto disks = parse_serving_line(heard_)) begin_serving(*disks);
    if (command_ && command_->ended()) stop_server();
    if (server_.ended() && command_ && !command_->ended()) end_command();
    if (socket_.lost_its_keeper()) fmt::print(stderr, "drydock: the process that guards {} was killed; a new one does\n", socket_.path());
    if (deadline_ && Clock::now() > *deadline_) deadline_passed();
  }

  void begin_serving(std::size_t disks) {
    serving_ = true;
    if (stopping_) return;
    if (!request_.command) return say_what_is_served(disks);
    auto started = ChildProcess::start(command_program(*request_.command, socket_, disks));
    if (started) {
      command_ = *started;
    } else {
      fmt::print(stderr, "drydock: {}\n", started.error().message);
      command_failed_ = true;
      stop_server();
    }
  }

  void say_what_is_served(std::size_t disks) const {
    if (disks == 1) fmt::print(stderr, "drydock: serving {} (Ctrl-C ends)\n", socket_.uri());
    for (std::size_t i = 0; disks > 1 && i < disks; ++i)
      fmt::print(stderr, "drydock: serving {}{}\n", socket_.uri(export_name(i)), i + 1 == disks ? " (Ctrl-C ends)" : "");
  }

  void stop_server() {
    if (server_stopped_) return;
    server_stopped_ = true;
    server_.signal(SIGTERM);
    deadline_ = Clock::now() + kServerGrace;
  }

  void end_command() {
    if (command_told_) return;
    command_told_ = true;
    command_->signal(SIGTERM);
    deadline_ = Clock::now() + kCommandGrace;
  }

  void deadline_passed() {
    server_.signal(SIGKILL);
    if (command_) command_->signal(SIGKILL);
  }

  Served result() {
    Served served;
    served.started = serving_;
    served.report = final_report();
    if (command_) served.command_status = shell_status(*command_->ended());
    if (command_failed_) served.command_status = 127;
    return served;
  }

  /// The server's own words; if it died without any, ours.
  Report final_report() {
    const std::string_view last = serving_ ? std::string_view(heard_).substr(heard_.find('\n')) : heard_;
    if (auto report = parse_report(last)) return *report;
    Report report;
    report.driver = request_.options.driver;
    const int status = *server_.ended();
    const bool asked_to_stop = stopping_ && !serving_ && WIFSIGNALED(status);
    report.outcome = asked_to_stop ? Outcome::clean : Outcome::internal_error;
    report.message = WIFSIGNALED(status) ? fmt::format("the server was killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))
                                         : fmt::format("the server ended with status {} and no report", WEXITSTATUS(status));
    return report;
  }

  const RunRequest& request_;
  ListeningSocket& socket_;
  ChildProcess server_;
  Descriptor signals_, reports_;
  std::optional<ChildProcess> command_;
  std::string heard_;
  std::optional<Clock::time_point> deadline_;
  bool serving_ = false, stopping_ = false, server_stopped_ = false, command_told_ = false, command_failed_ = false;
};

}  // namespace

Result<Served> serve(const RunRequest& request) {
  TRY(const std::string plugin, find_plugin());
  TRY(ListeningSocket socket, ListeningSocket::at(request.nbd_socket.value_or("")));
  TRY(Descriptor signals, take_signals());
  TRY(Pipe pipe, make_pipe());
  TRY(ChildProcess server, ChildProcess::start(server_program(request, plugin, socket, pipe.write_end.number())));
  pipe.write_end.close();
  return Session(request, socket, server, std::move(signals), std::move(pipe.read_end)).run();
}

}  // namespace drydock
