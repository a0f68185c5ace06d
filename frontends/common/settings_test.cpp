#include "settings.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(Settings, a_value_in_range_is_set) {
  Options options;
  const std::pair<const char*, const char*> rows[] = {
      {"driver", "my.sys"}, {"device", "virtio-blk,queues=4"}, {"device", "nvme"}, {"disk", "mem:1G"},
      {"cpus", "64"},       {"memory", "32G"},                 {"seed", "0x10"},   {"phys", "literal"},
      {"checks", "all"},    {"trace", "t.jsonl"}, {"lcov", "c.info"},              {"ro", "true"},     {"reg", "Parameters\\Device\\X=dword:1"}};
  for (const auto& [key, value] : rows) ASSERT_TRUE(set_option(options, key, value)) << key;
  EXPECT_EQ(options.driver, "my.sys");
  EXPECT_EQ(options.devices, (std::vector<std::string>{"virtio-blk,queues=4", "nvme"}));
  EXPECT_EQ(options.disks, std::vector<std::string>{"mem:1G"});
  EXPECT_EQ(options.cpus, 64u);
  EXPECT_EQ(options.memory, std::uint64_t{32} << 30);
  EXPECT_EQ(options.seed, 16u);
  EXPECT_EQ(options.phys, "literal");
  EXPECT_EQ(options.checks, Checks::all);
  EXPECT_EQ(options.trace_file, "t.jsonl");
  EXPECT_EQ(options.lcov_file, "c.info");
  EXPECT_TRUE(options.read_only);
  EXPECT_EQ(options.registry, (std::vector<std::string>{"Parameters\\Device\\X=dword:1"}));
}

TEST(Settings, a_rule_that_may_be_broken_is_an_id_in_letters_of_any_size) {
  Options options;
  for (const char* id : {"ST-57", "ver-88"}) ASSERT_TRUE(set_option(options, "allow", id));
  EXPECT_EQ(options.allowed_rules, (std::vector<std::string>{"ST-57", "VER-88"}));
}

TEST(Settings, each_word_for_checks_means_its_own_level) {
  Options options;
  for (const auto& [word, level] : {std::pair{"off", Checks::off}, {"default", Checks::standard}, {"all", Checks::all}}) {
    ASSERT_TRUE(set_option(options, "checks", word));
    EXPECT_EQ(options.checks, level) << word;
  }
}

TEST(Settings, a_value_out_of_range_is_refused_and_the_line_names_option_and_value) {
  const std::pair<const char*, const char*> rows[] = {
      {"cpus", "0"},        {"cpus", "65"},     {"cpus", "two"},     {"memory", "15M"},  {"memory", "33G"},
      {"memory", "lots"},   {"seed", "-1"},     {"seed", "1x"},      {"phys", "random"}, {"checks", "some"},
      {"disk", "mem:12Q"},  {"disk", "mem:0"},  {"ro", "maybe"},     {"reg", "X"},       {"reg", "=dword:1"},
      {"reg", "X=1"},       {"allow", "ST57"},  {"allow", "-57"},    {"allow", "ST-"},   {"allow", "ST-5x"},
      {"allow", "ST-9999"}, {"allow", "self-check"}};
  for (const auto& [key, value] : rows) {
    Options options;
    const auto done = set_option(options, key, value);
    ASSERT_FALSE(done) << key << '=' << value;
    EXPECT_TRUE(done.error().message.starts_with(std::string(key) + ": ")) << done.error().message;
    EXPECT_EQ(done.error().message.find('\n'), std::string::npos);
  }
}

TEST(Settings, an_unknown_option_is_refused_by_name) {
  Options options;
  EXPECT_EQ(set_option(options, "speed", "11").error().message, "unknown option 'speed'");
}

TEST(Settings, only_a_path_is_a_disk_file) {
  EXPECT_TRUE(is_disk_file("disk.img"));
  EXPECT_TRUE(is_disk_file("./null"));
  EXPECT_FALSE(is_disk_file("null"));
  EXPECT_FALSE(is_disk_file("mem:64M"));
}

}  // namespace
}  // namespace drydock
