// drydock: the command line.

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "command_line.h"
#include "common/report_json.h"
#include "device_list.h"
#include "exit_status.h"
#include "self_check.h"
#include "server.h"
#include "summary.h"

namespace drydock {
namespace {

constexpr std::size_t kLastWords = 10;

int complain(std::string_view message) {
  fmt::print(stderr, "drydock: {}\n", message);
  return static_cast<int>(Outcome::bad_input);
}

/// Where --json goes; opened before the run, so that a bad path is bad input and not a lost report.
class JsonFile {
 public:
  static Result<JsonFile> at(const std::string& path) {
    if (path.empty()) return JsonFile(nullptr);
    std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "w");
    if (file == nullptr) return refuse("{}: {}", path, strerror(errno));
    return JsonFile(file);
  }
  bool is_stdout() const { return file_ == stdout; }
  void write(const Report& report) {
    if (file_ == nullptr) return;
    std::fputs((json_text(report, true) + '\n').c_str(), file_);
    std::fflush(file_);
  }

 private:
  explicit JsonFile(std::FILE* file) : file_(file) {}
  std::FILE* file_;
};

void print_summary(const Report& report, bool started, std::FILE* out) {
  const Style style = Style::of(out);
  if (started) fmt::print(out, "{}", summary_table(report, style));
  fmt::print(out, "{}", findings_text(report, style));
  if (report.outcome >= Outcome::refused) fmt::print(out, "{}", last_words(report, kLastWords));
  if (report.outcome < Outcome::bad_input) fmt::print(out, "{}\n", closing_line(report, style));
  std::fflush(out);
  if (report.outcome == Outcome::bad_input) complain(report.message);
  if (report.outcome > Outcome::bad_input) complain(closing_line(report, Style::of(stderr)));
}

struct Ended {
  Report report;
  bool started;
  std::optional<int> command_status;
};

Result<Ended> perform(const RunRequest& request) {
  if (!request.serves()) {
    SelfChecked checked = self_check(request.options);
    return Ended{std::move(checked.report), checked.started, std::nullopt};
  }
  TRY(Served served, serve(request));
  return Ended{std::move(served.report), served.started, served.command_status};
}

int run(const RunRequest& request) {
  auto json = JsonFile::at(request.json_file);
  if (!json) return complain(json.error().message);
  auto ended = perform(request);
  if (!ended) {
    Report report;
    report.outcome = Outcome::bad_input;
    report.message = ended.error().message;
    ended = Ended{std::move(report), false, std::nullopt};
  }
  json->write(ended->report);
  print_summary(ended->report, ended->started, json->is_stdout() ? stderr : stdout);
  return exit_status(ended->report.outcome, ended->command_status);
}

}  // namespace
}  // namespace drydock

int main(int argc, char** argv) {
  using namespace drydock;
  const auto line = parse_command_line(argc, argv);
  if (!line) return complain(line.error().message);
  switch (line->verb) {
    case CommandLine::Verb::show_text: fmt::print("{}", line->text); return 0;
    case CommandLine::Verb::list_devices: fmt::print("{}", device_list(device_types())); return 0;
    case CommandLine::Verb::run: break;
  }
  return run(line->run);
}
