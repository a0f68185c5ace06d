// drydock: the command line.

#include <drydock/inspect.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "annotations.h"
#include "base/check.h"
#include "command_line.h"
#include "common/rule_book.h"
#include "ddi_list.h"
#include "debugger.h"
#include "device_list.h"
#include "exit_status.h"
#include "explanation.h"
#include "inspection.h"
#include "report_files.h"
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

Result<RunEnded> perform(const RunRequest& request) {
  if (!request.serves()) {
    SelfChecked checked = self_check(request.options);
    return RunEnded{std::move(checked.report), checked.started, std::nullopt};
  }
  TRY(Served served, serve(request));
  return RunEnded{std::move(served.report), served.started, served.command_status};
}

RunEnded failed(Outcome outcome, std::string message) {
  RunEnded ended;
  ended.report.outcome = outcome;
  ended.report.message = std::move(message);
  return ended;
}

void annotate(const RunEnded& ended, std::FILE* out) {
  if (in_github_workflow()) fmt::print(out, "{}", annotations(ended));
}

/// The run whose report would be lost if drydock failed now: a failed CHECK ends the process where it stands.
struct Unfinished {
  const RunRequest* request;
  ReportFiles* files;
};
Unfinished unfinished{};

void write_unfinished(const char* why) {
  const RunEnded ended = failed(Outcome::internal_error, why);
  (void)unfinished.files->write(*unfinished.request, ended);
  annotate(ended, stderr);
}

int run(const RunRequest& request) {
  auto files = ReportFiles::open(request);
  if (!files) return complain(files.error().message);
  unfinished = {&request, &*files};
  on_check_failed(write_unfinished);
  auto ended = perform(request);
  on_check_failed(nullptr);
  if (!ended) ended = failed(Outcome::bad_input, ended.error().message);
  const auto written = files->write(request, *ended);
  std::FILE* const out = files->on_standard_output() ? stderr : stdout;
  print_summary(ended->report, ended->started, out);
  annotate(*ended, out);
  const int status = exit_status(ended->report.outcome, ended->command_status);
  return written ? status : std::max(status, complain(written.error().message));
}

int inspect(const CommandLine& line) {
  const Inspected inspected = inspect_driver(line.text);
  if (!inspected) return complain(inspected.error);
  const RuleBook& book = RuleBook::get();
  fmt::print("{}", line.as_json ? inspection_json(inspected.facts, book) : inspection_text(inspected.facts, book, Style::of(stdout)));
  return 0;
}

int list_exports(const CommandLine& line) {
  const RuleBook& book = RuleBook::get();
  if (line.missing_only) {
    const auto routines = missing_routines();
    fmt::print("{}", line.as_json ? missing_json(routines, book) : missing_text(routines));
  } else {
    const auto routines = exported_routines();
    fmt::print("{}", line.as_json ? exports_json(routines, book) : exports_text(routines));
  }
  return 0;
}

int explain(const CommandLine& line) {
  const auto text = explanation(line.text, RuleBook::get());
  if (!text) return complain(text.error().message);
  fmt::print("{}", *text);
  return 0;
}

int run_verb(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv);
  if (!line) return complain(line.error().message);
  switch (line->verb) {
    case CommandLine::Verb::show_text: fmt::print("{}", line->text); return 0;
    case CommandLine::Verb::list_devices: fmt::print("{}", device_list(device_types())); return 0;
    case CommandLine::Verb::inspect: return inspect(*line);
    case CommandLine::Verb::list_exports: return list_exports(*line);
    case CommandLine::Verb::explain: return explain(*line);
    case CommandLine::Verb::run: break;
  }
  if (line->run.gdb) return complain(become_debugger(line->run, {argv, argv + argc}));
  return run(line->run);
}

}  // namespace
}  // namespace drydock

// What was printed has been printed only when it has left the buffer.
int main(int argc, char** argv) {
  using namespace drydock;
  try {
    const int status = run_verb(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    return std::max(status, complain(fmt::format("cannot write to standard output: {}", std::strerror(errno))));
  } catch (const std::system_error& error) {  // from fmt::print
    return complain(fmt::format("cannot write to standard output: {}", error.code().message()));
  }
}
