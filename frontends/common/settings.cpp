#include "settings.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/size.h"
#include "rule_book.h"

namespace drydock {
namespace {

constexpr unsigned kCpusMax = 64;
constexpr std::uint64_t kMemoryMin = std::uint64_t{16} << 20, kMemoryMax = std::uint64_t{32} << 30;
constexpr std::array<std::string_view, 5> kPhysicalProfiles = {"low", "high", "mixed", "contiguous", "literal"};
constexpr std::array<std::string_view, 3> kChecks = {"off", "default", "all"};  // in the order of enum Checks
constexpr std::string_view kMemoryDisk = "mem:";

Result<std::uint64_t> parse_number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = hexadecimal ? text.substr(2) : text;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, hexadecimal ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size()) return refuse("'{}' is not a number", text);
  return number;
}

template <std::size_t N>
Result<std::size_t> parse_choice(const std::array<std::string_view, N>& choices, std::string_view text) {
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found == choices.end()) return refuse("'{}' is none of {}", text, fmt::join(choices, ", "));
  return static_cast<std::size_t>(found - choices.begin());
}

Result<void> not_empty(std::string_view value) {
  if (value.empty()) return refuse("the value is empty");
  return {};
}

Result<void> set_driver(Options& options, std::string_view value) {
  TRY_VOID(not_empty(value));
  options.driver = value;
  return {};
}

Result<void> set_device(Options& options, std::string_view value) {
  TRY_VOID(not_empty(value));
  options.devices.emplace_back(value);
  return {};
}

Result<void> set_disk(Options& options, std::string_view value) {
  TRY_VOID(not_empty(value));
  if (value.starts_with(kMemoryDisk)) {
    TRY(const std::uint64_t size, parse_size(value.substr(kMemoryDisk.size())));
    if (size == 0) return refuse("'{}' is a disk of no bytes", value);
  }
  options.disks.emplace_back(value);
  return {};
}

Result<void> set_fault(Options& options, std::string_view value) {
  TRY_VOID(not_empty(value));
  options.faults.emplace_back(value);
  return {};
}

Result<void> set_cpus(Options& options, std::string_view value) {
  TRY(const std::uint64_t cpus, parse_number(value));
  if (cpus < 1 || cpus > kCpusMax) return refuse("'{}' is not between 1 and {}", value, kCpusMax);
  options.cpus = static_cast<unsigned>(cpus);
  return {};
}

Result<void> set_memory(Options& options, std::string_view value) {
  TRY(const std::uint64_t bytes, parse_size(value));
  if (bytes < kMemoryMin || bytes > kMemoryMax)
    return refuse("'{}' is not between {} and {}", value, size_text(kMemoryMin), size_text(kMemoryMax));
  options.memory = bytes;
  return {};
}

Result<void> set_seed(Options& options, std::string_view value) {
  TRY(options.seed, parse_number(value));
  return {};
}

Result<void> set_phys(Options& options, std::string_view value) {
  TRY_VOID(parse_choice(kPhysicalProfiles, value));
  options.phys = value;
  return {};
}

Result<void> set_registry(Options& options, std::string_view value) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || equals == 0 || value.find(':', equals) == std::string_view::npos)
    return refuse("'{}' is not PATH\\NAME=TYPE:VALUE (example: Parameters\\Device\\X=dword:1)", value);
  options.registry.emplace_back(value);
  return {};
}

Result<void> set_checks(Options& options, std::string_view value) {
  if (value == "double-fetch")
    return refuse("double-fetch is for drivers that are given memory of client processes (Options::double_fetch in drydock/machine.h); "
                  "the requests of a miniport come from the port driver");
  TRY(const std::size_t choice, parse_choice(kChecks, value));
  options.checks = static_cast<Checks>(choice);
  return {};
}

// "ST-57", as findings and docs/rules.md spell it; small letters will do.
Result<void> set_allow(Options& options, std::string_view value) {
  const DocumentedRule* rule = RuleBook::get().find(value);
  if (rule == nullptr) return refuse("there is no rule '{}' (example: ST-57; docs/rules.md lists them)", value);
  options.allowed_rules.push_back(rule->id);
  return {};
}

Result<void> set_trace(Options& options, std::string_view value) {
  TRY_VOID(not_empty(value));
  options.trace_file = value;
  return {};
}

Result<void> set_lcov(Options& options, std::string_view value) {
  TRY_VOID(not_empty(value));
  options.lcov_file = value;
  return {};
}

Result<void> set_read_only(Options& options, std::string_view value) {
  const bool yes = value == "true" || value == "1" || value == "yes" || value == "on";
  const bool no = value == "false" || value == "0" || value == "no" || value == "off";
  if (!yes && !no) return refuse("'{}' is neither true nor false", value);
  options.read_only = yes;
  return {};
}

constexpr Setting kSettings[] = {
    {"driver", "FILE", "the miniport to run, a Windows .sys for x86-64", false, true, set_driver},
    {"device", "NAME[,k=v]", "a device under the driver (default: the image's hints, else virtio-blk); each is an adapter", true, false, set_device},
    {"disk", "FILE|mem:SIZE", "what a device stores its blocks in (default: mem:64M; null: nothing); the first is the first device's", true, true, set_disk},
    {"cpus", "N", "virtual processors, 1 to 64 (default: 2)", false, false, set_cpus},
    {"memory", "SIZE", "physical memory, 16M to 32G (default: 256M)", false, false, set_memory},
    {"seed", "N", "of every choice the machine makes (default: 1)", false, false, set_seed},
    {"phys", "PROFILE", "page numbers: low, high, mixed, contiguous, literal (default: mixed)", false, false, set_phys},
    {"reg", "PATH=TYPE:VALUE", "a registry value, such as 'Parameters\\Device\\X=dword:1'", true, false, set_registry},
    {"fault", "NAME[=RATE][@SEED]", "what goes wrong on purpose, such as lost-interrupt=1/50; 'list' explains all", true, false, set_fault},
    {"checks", "LEVEL", "off, default or all", false, false, set_checks},
    {"allow", "RULE", "a rule that may be broken: its findings are counted, not told", true, false, set_allow},
    {"trace", "FILE", "every event as one line of JSON", false, true, set_trace},
    {"lcov", "FILE", "line coverage of a driver built by drydock-cc --coverage", false, true, set_lcov},
    {"ro", "BOOL", "the disk refuses writes", false, false, set_read_only},
};

}  // namespace

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view key) {
  const auto found = std::find_if(std::begin(kSettings), std::end(kSettings), [&](const Setting& s) { return s.key == key; });
  return found == std::end(kSettings) ? nullptr : found;
}

Result<void> set_option(Options& options, std::string_view key, std::string_view value) {
  const Setting* setting = find_setting(key);
  if (setting == nullptr) return refuse("unknown option '{}'", key);
  if (auto done = setting->set(options, value); !done) return refuse("{}: {}", key, done.error().message);
  return {};
}

bool is_disk_file(std::string_view disk) { return !disk.starts_with(kMemoryDisk) && disk != "null"; }

}  // namespace drydock
