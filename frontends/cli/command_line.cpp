#include "command_line.h"

#include <CLI/CLI.hpp>

#include "common/fault_list.h"
#include "common/settings.h"

namespace drydock {
namespace {

constexpr const char* kAbout =
    "drydock runs Windows storage miniport drivers (.sys) in a Linux process.\n"
    "Without --nbd or --exec, `run` checks the driver by itself: it writes, reads back and compares.";
constexpr const char* kStatuses =
    "Exit status: 0 clean, 1 findings, 2 bad input or output that cannot be written,\n"
    "3 the driver would not start, 4 the driver crashed, 5 drydock's own fault;\n"
    "a failed CMD gives its own status.";

/// A value the table refuses is a usage error like any other.
void take(RunRequest& request, const std::string& key, const std::string& value) {
  if (auto done = set_option(request.options, key, value); !done) throw CLI::ValidationError("--" + done.error().message);
  request.settings.emplace_back(key, value);
}

/// `--fault list` needs no driver.
struct CallForFaults : CLI::Success {
  CallForFaults() : Success("CallForFaults", "list of faults", 0) {}
};

void add_setting(CLI::App& run, RunRequest& request, const Setting& setting) {
  const std::string key(setting.key);
  if (setting.repeatable) {
    const auto take_all = [&request, key](const std::vector<std::string>& values) {
      for (const auto& value : values) {
        if (key == "fault" && value == "list") throw CallForFaults();
        take(request, key, value);
      }
    };
    run.add_option_function<std::vector<std::string>>("--" + key, take_all, std::string(setting.help))
        ->allow_extra_args(false)->type_name(std::string(setting.value_name));
  } else {
    const auto take_one = [&request, key](const std::string& value) { take(request, key, value); };
    run.add_option_function<std::string>("--" + key, take_one, std::string(setting.help))
        ->type_name(std::string(setting.value_name));
  }
}

CLI::App* add_run(CLI::App& app, RunRequest& request) {
  CLI::App* run = app.add_subcommand("run", "run a driver: self-check, or serve its disk");
  run->add_option_function<std::string>("DRIVER", [&request](const std::string& f) { take(request, "driver", f); },
                                        "the miniport to run, a Windows .sys for x86-64")->required()->type_name("");
  for (const Setting& setting : settings())
    if (setting.key != "driver" && setting.key != "ro") add_setting(*run, request, setting);
  run->add_flag_callback("--read-only,--ro", [&request] { take(request, "ro", "true"); }, "the disk refuses writes");
  run->add_option("--nbd", request.nbd_socket, "serve the disk by NBD at this Unix socket")->type_name("SOCKET");
  run->add_option("--exec", request.command, "serve while this shell command runs; it finds the disk at $uri")->type_name("CMD");
  run->add_option("--json", request.json_file, "the report as JSON (-: standard output)")->type_name("FILE");
  run->add_option("--junit", request.junit_file, "the report as JUnit XML, for CI systems")->type_name("FILE");
  run->add_option("--sarif", request.sarif_file, "the findings as SARIF 2.1.0, for code scanning")->type_name("FILE");
  run->add_flag("--gdb", request.gdb, "start gdb on the run: break my.c:40, run");
  run->footer(kStatuses);
  return run;
}

CLI::App* add_inspect(CLI::App& app, CommandLine& line) {
  CLI::App* inspect = app.add_subcommand("inspect", "what a driver is, how it was built, and which of its imports drydock has");
  inspect->add_option("DRIVER", line.text, "the driver to look at; nothing of it is run")->required()->type_name("");
  inspect->add_flag("--json", line.as_json, "as JSON");
  inspect->footer("Exit status: 0, or 2 for a file that cannot be read or is no x86-64 driver.");
  return inspect;
}

CLI::App* add_ddi(CLI::App& app, CommandLine& line) {
  CLI::App* ddi = app.add_subcommand("ddi", "the routines of Windows that drydock has");
  ddi->add_flag("--json", line.as_json, "as JSON, with addresses of documentation pages and rule ids");
  ddi->add_flag("--missing", line.missing_only, "those it does not have instead");
  ddi->footer("Missing is what drydock's own WDK headers (include/wdk) declare as an import of storport.sys, scsiport.sys,\n"
              "ntoskrnl.exe or hal.dll and drydock does not export; what the headers do not declare is in neither list.\n"
              "A driver that imports a missing routine still loads; calling it ends the run with its name and the caller.");
  return ddi;
}

CLI::App* add_explain(CLI::App& app, CommandLine& line) {
  CLI::App* explain = app.add_subcommand("explain", "a rule or a bug check in plain words, with its documentation pages");
  explain->add_option("ID", line.text, "a rule such as ST-43, or a bug check: 0xD1, 0xF1/0x2004, or its name")->required()->type_name("");
  explain->footer("Exit status: 0, or 2 for what is in no rule.");
  return explain;
}

/// "--cpus: 1 required N missing" and its like.
std::string without_grammar(std::string words, std::string_view first_word) {
  constexpr std::string_view kNotExpected = " not expected: ";
  if (const auto at = words.find(": At Most 1 required"); at != std::string::npos) return words.substr(0, at) + " is given twice";
  if (const auto at = words.find(": 1 required "); at != std::string::npos) return words.substr(0, at) + ": its value is missing";
  const auto at = words.find(kNotExpected);
  if (at == std::string::npos) return words;
  words.erase(0, at + kNotExpected.size());
  return words.starts_with('-') ? fmt::format("{}: there is no option {}", first_word, words) : fmt::format("{}: '{}' is one word too many", first_word, words);
}

/// CLI11's own words, except where they speak of its insides.
std::string in_our_words(const CLI::ParseError& error, std::string_view first_word) {
  const bool missing = error.get_name() == "RequiredError";
  std::string words = error.what();
  if (missing && words.find("DRIVER") != std::string::npos) words = fmt::format("{0}: which driver? (drydock {0} DRIVER.sys)", first_word);
  if (missing && words.starts_with("ID ")) words = "explain: which rule or bug check? (drydock explain ST-43)";
  if (missing && words.find("subcommand") != std::string::npos)
    words = first_word.empty() ? "nothing to do; try 'drydock run DRIVER.sys' or 'drydock help'"
                               : fmt::format("'{}' is nothing drydock does; try 'drydock help'", first_word);
  words = without_grammar(std::move(words), first_word);
  for (char& c : words) c = c == '\n' ? ' ' : c;
  while (!words.empty() && words.back() == ' ') words.pop_back();
  return words;
}

CommandLine show(std::string text) {
  CommandLine line{CommandLine::Verb::show_text, std::move(text), {}};
  return line;
}

struct Subcommand {
  CLI::App* app;
  CommandLine::Verb verb;
};

/// The help of the subcommand that was named, else of the whole.
std::string help_of(const CLI::App& app, const std::vector<Subcommand>& subcommands, const std::string& topic) {
  for (const Subcommand& subcommand : subcommands)
    if (subcommand.app->parsed() || subcommand.app->get_name() == topic) return subcommand.app->help("drydock");
  return app.help();
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine line{CommandLine::Verb::run, {}, {}};
  CLI::App app{kAbout, "drydock"};
  app.set_version_flag("--version", std::string("drydock ") + DRYDOCK_VERSION);
  app.require_subcommand(1);
  const std::vector<Subcommand> subcommands = {
      {add_run(app, line.run), CommandLine::Verb::run},
      {add_inspect(app, line), CommandLine::Verb::inspect},
      {add_ddi(app, line), CommandLine::Verb::list_exports},
      {add_explain(app, line), CommandLine::Verb::explain},
      {app.add_subcommand("devices", "list the devices a driver can be put on"), CommandLine::Verb::list_devices}};
  CLI::App* help = app.add_subcommand("help", "show this, or the options of a command");
  std::string topic;
  help->add_option("TOPIC", topic)->type_name("")->check(CLI::IsMember({"run", "inspect", "ddi", "explain", "devices"}));
  app.footer(kStatuses);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return show(help_of(app, subcommands, topic));
  } catch (const CallForFaults&) {
    return show(fault_list(fault_types()));
  } catch (const CLI::CallForVersion& version) {
    return show(std::string(version.what()) + '\n');
  } catch (const CLI::ParseError& error) {
    return refuse("{}", in_our_words(error, argc > 1 ? argv[1] : ""));
  }
  if (help->parsed()) return show(help_of(app, subcommands, topic));
  for (const Subcommand& subcommand : subcommands)
    if (subcommand.app->parsed()) line.verb = subcommand.verb;
  return line;
}

}  // namespace drydock
