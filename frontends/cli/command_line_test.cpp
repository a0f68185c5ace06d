#include "command_line.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

Result<CommandLine> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "drydock");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

TEST(CommandLine, run_takes_every_option_the_issue_names) {
  const auto line = parse({"run", "my.sys", "--device", "virtio-blk,queues=2", "--disk", "d.img", "--cpus", "4", "--memory",
                           "1G", "--seed", "7", "--phys", "low", "--reg", "Parameters\\Device\\X=dword:1", "--checks", "all",
                           "--nbd", "/run/s", "--exec", "fio x", "--json", "-", "--trace", "t", "--lcov", "c", "--gdb", "--read-only"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->verb, CommandLine::Verb::run);
  const RunRequest& run = line->run;
  EXPECT_EQ(run.options.driver, "my.sys");
  EXPECT_EQ(run.options.devices, std::vector<std::string>{"virtio-blk,queues=2"});
  EXPECT_EQ(run.options.disks, std::vector<std::string>{"d.img"});
  EXPECT_EQ(run.options.cpus, 4u);
  EXPECT_EQ(run.options.memory, 1u << 30);
  EXPECT_EQ(run.options.seed, 7u);
  EXPECT_EQ(run.options.phys, "low");
  EXPECT_EQ(run.options.registry, std::vector<std::string>{"Parameters\\Device\\X=dword:1"});
  EXPECT_EQ(run.options.checks, Checks::all);
  EXPECT_EQ(run.options.trace_file, "t");
  EXPECT_EQ(run.options.lcov_file, "c");
  EXPECT_TRUE(run.gdb);
  EXPECT_TRUE(run.options.read_only);
  EXPECT_EQ(run.nbd_socket, "/run/s");
  EXPECT_EQ(run.command, "fio x");
  EXPECT_EQ(run.json_file, "-");
  EXPECT_EQ(run.settings.size(), 12u);
}

TEST(CommandLine, device_and_reg_repeat_without_swallowing_the_driver) {
  const auto line = parse({"run", "--device", "a", "--reg", "X=dword:1", "--device", "b", "--reg", "Y=sz:q", "my.sys"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->run.options.driver, "my.sys");
  EXPECT_EQ(line->run.options.devices.size(), 2u);
  EXPECT_EQ(line->run.options.registry.size(), 2u);
}

TEST(CommandLine, a_bare_run_serves_nobody) {
  const auto line = parse({"run", "my.sys"});
  ASSERT_TRUE(line);
  EXPECT_FALSE(line->run.serves());
}

TEST(CommandLine, the_tools_around_a_run_take_what_they_are_about) {
  using Verb = CommandLine::Verb;
  const auto inspect = parse({"inspect", "my.sys", "--json"});
  ASSERT_TRUE(inspect) << inspect.error().message;
  EXPECT_EQ(inspect->verb, Verb::inspect);
  EXPECT_EQ(inspect->text, "my.sys");
  EXPECT_TRUE(inspect->as_json);
  const auto ddi = parse({"ddi", "--missing"});
  ASSERT_TRUE(ddi) << ddi.error().message;
  EXPECT_EQ(ddi->verb, Verb::list_exports);
  EXPECT_TRUE(ddi->missing_only && !ddi->as_json);
  const auto explain = parse({"explain", "0xF1/0x2004"});
  ASSERT_TRUE(explain) << explain.error().message;
  EXPECT_EQ(explain->verb, Verb::explain);
  EXPECT_EQ(explain->text, "0xF1/0x2004");
  EXPECT_EQ(parse({"inspect"}).error().message, "inspect: which driver? (drydock inspect DRIVER.sys)");
  EXPECT_EQ(parse({"explain"}).error().message, "explain: which rule or bug check? (drydock explain ST-43)");
}

TEST(CommandLine, reports_for_ci_systems_have_their_files) {
  const auto line = parse({"run", "my.sys", "--junit", "j.xml", "--sarif", "s.sarif"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->run.junit_file, "j.xml");
  EXPECT_EQ(line->run.sarif_file, "s.sarif");
}

TEST(CommandLine, each_command_has_its_help) {
  for (const char* command : {"run", "inspect", "ddi", "explain", "devices"}) {
    const auto asked = parse({"help", command}), flagged = parse({command, "--help"});
    ASSERT_TRUE(asked && flagged) << command;
    EXPECT_EQ(asked->text, flagged->text);
    EXPECT_NE(asked->text, parse({"help"})->text);
  }
}

TEST(CommandLine, a_bad_word_is_refused_in_one_line) {
  const std::vector<std::vector<const char*>> rows = {
      {},
      {"run"},
      {"walk", "my.sys"},
      {"run", "my.sys", "--cpus", "0"},
      {"run", "my.sys", "--cpus", "1", "--cpus", "2"},
      {"run", "my.sys", "--memory", "12Q"},
      {"run", "my.sys", "--phys", "odd"},
      {"run", "my.sys", "--checks"},
      {"run", "my.sys", "--reg", "nonsense"},
      {"run", "my.sys", "--faster"},
      {"run", "my.sys", "other.sys"},
      {"help", "nothing"},
  };
  for (const auto& row : rows) {
    const auto line = parse(row);
    ASSERT_FALSE(line) << (row.empty() ? "" : row.back());
    EXPECT_FALSE(line.error().message.empty());
    EXPECT_EQ(line.error().message.find('\n'), std::string::npos) << line.error().message;
  }
}

TEST(CommandLine, a_bad_line_is_told_in_the_users_words) {
  EXPECT_EQ(parse({"run", "my.sys", "--cpus", "1", "--cpus", "2"}).error().message, "--cpus is given twice");
  EXPECT_EQ(parse({"run", "my.sys", "--checks"}).error().message, "--checks: its value is missing");
  EXPECT_EQ(parse({"run", "my.sys", "--faster"}).error().message, "run: there is no option --faster");
  EXPECT_EQ(parse({"run", "my.sys", "other.sys"}).error().message, "run: 'other.sys' is one word too many");
}

TEST(CommandLine, a_refused_value_is_quoted) {
  EXPECT_NE(parse({"run", "my.sys", "--phys", "odd"}).error().message.find("'odd'"), std::string::npos);
}

TEST(CommandLine, help_and_version_are_texts_not_errors) {
  for (const auto& row : std::vector<std::vector<const char*>>{{"--help"}, {"help"}, {"run", "--help"}, {"help", "run"}, {"--version"}}) {
    const auto line = parse(row);
    ASSERT_TRUE(line) << row.back();
    EXPECT_EQ(line->verb, CommandLine::Verb::show_text);
    EXPECT_TRUE(line->text.ends_with('\n'));
  }
  EXPECT_EQ(parse({"--version"})->text, std::string("drydock ") + DRYDOCK_VERSION + '\n');
  EXPECT_NE(parse({"help", "run"})->text.find("--seed"), std::string::npos);
}

}  // namespace
}  // namespace drydock
