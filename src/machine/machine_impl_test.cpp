#include "machine/machine_impl.h"

#include <dirent.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "machine/machine_for_tests.h"

namespace drydock {
namespace {

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::size_t lines_in(const char* path) {
  std::ifstream in(path);
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  return lines;
}

std::size_t open_files() {
  std::size_t count = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

std::size_t resident_pages() {
  std::ifstream in("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident;
}

// Found by the fuzz target of requests.
TEST(MachineDisk, requests_of_no_bytes_are_done_wherever_they_begin) {
  auto machine = started(options_for_tests("mem:1M"));
  for (const std::uint64_t offset : {0, 1, 511, 4096}) {
    EXPECT_EQ(machine->disk().read({}, offset), 0);
    EXPECT_EQ(machine->disk().write({}, offset), 0);
    EXPECT_EQ(machine->disk().write({}, offset, true), 0);
  }
  EXPECT_EQ(machine->report().writes, 0u);
}

TEST(Machine, WhatIsWrittenThroughTheDriverReadsBackAndNothingIsFound) {
  auto machine = started(options_for_tests("mem:8M"));
  ASSERT_TRUE(machine);
  std::vector<std::byte> out(64 * 1024, std::byte{0x5A}), in(out.size());
  EXPECT_EQ(machine->disk().write(out, 12288), 0);
  EXPECT_EQ(machine->disk().read(in, 12288), 0);
  EXPECT_EQ(in, out);
  const Report report = machine->stop();
  EXPECT_EQ(report.outcome, Outcome::clean) << findings_text(report);
  EXPECT_GT(report.limits.interrupt_messages, 1u);
  EXPECT_EQ(report.limits.srb, "STORAGE_REQUEST_BLOCK");
}

TEST(Machine, RaggedReadsAndWritesTouchOnlyTheirBytes) {
  auto machine = started(options_for_tests("mem:1M"));
  ASSERT_TRUE(machine);
  std::vector<std::byte> ones(4096, std::byte{1}), got(4096);
  ASSERT_EQ(machine->disk().write(ones, 0), 0);
  const std::byte seven[3] = {std::byte{7}, std::byte{7}, std::byte{7}};
  ASSERT_EQ(machine->disk().write(seven, 510), 0);
  ASSERT_EQ(machine->disk().read(got, 0), 0);
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], std::byte{static_cast<unsigned char>(i >= 510 && i < 513 ? 7 : 1)}) << i;
  std::byte two[2];
  ASSERT_EQ(machine->disk().read(two, 509), 0);
  EXPECT_EQ(two[0], std::byte{1});
  EXPECT_EQ(two[1], std::byte{7});
}

TEST(Machine, WhatLiesPastTheEndIsRefused) {
  auto machine = started(options_for_tests("mem:1M"));
  ASSERT_TRUE(machine);
  std::byte block[512]{};
  EXPECT_EQ(machine->disk().read(block, 1u << 20), EINVAL);
  EXPECT_EQ(machine->disk().write(block, (1u << 20) - 256), ENOSPC);
}

TEST(Machine, AReadOnlyDiskSaysSo) {
  Options options = options_for_tests("mem:1M");
  options.read_only = true;
  auto machine = started(options);
  ASSERT_TRUE(machine);
  EXPECT_TRUE(machine->disk().read_only());
  std::byte block[512]{};
  EXPECT_EQ(machine->disk().read(block, 0), 0);
  EXPECT_EQ(machine->disk().write(block, 0), EROFS);
}

TEST(Machine, TheSelfCheckIsCleanOnEveryProfileAndBlockSize) {
  for (const char* phys : {"low", "high", "mixed", "contiguous", "literal"})
    for (const char* device : {"virtio-blk", "virtio-blk,blk_size=4096,queues=4", "virtio-blk,msix=off"}) {
      Options options = options_for_tests("mem:4M", 7);
      options.phys = phys;
      options.devices = {device};
      auto machine = started(options);
      ASSERT_TRUE(machine) << phys << " " << device;
      machine->self_check([](const SelfCheckProgress&) { return true; });
      const Report report = machine->stop();
      EXPECT_EQ(report.outcome, Outcome::clean) << phys << " " << device << findings_text(report);
      EXPECT_GT(report.ios, 300u);
    }
}

std::string trace_of(std::uint64_t seed) {
  Options options = options_for_tests("mem:2M", seed);
  options.trace_file = testing::TempDir() + "machine_trace.jsonl";
  auto machine = started(options);
  machine->self_check([](const SelfCheckProgress&) { return true; });
  EXPECT_EQ(machine->stop().outcome, Outcome::clean);
  machine.reset();
  std::string text = contents(options.trace_file);
  ::unlink(options.trace_file.c_str());
  return text;
}

TEST(Machine, OneSeedIsOneTraceAndAnotherSeedIsAnother) {
  const std::string first = trace_of(1);
  EXPECT_GT(first.size(), 100'000u);
  EXPECT_TRUE(first == trace_of(1));
  EXPECT_FALSE(first == trace_of(2));
}

TEST(Machine, TwoMachinesInOneProcessDoNotSeeEachOther) {
  const auto work = [](std::uint64_t seed) {
    auto machine = started(options_for_tests("mem:4M", seed));
    ASSERT_TRUE(machine);
    for (int round = 0; round < 3; ++round) machine->self_check([](const SelfCheckProgress&) { return true; });
    EXPECT_EQ(machine->stop().outcome, Outcome::clean);
  };
  std::thread other(work, 2);
  work(1);
  other.join();
}

TEST(Machine, ClientsOnManyThreadsShareOneMachine) {
  auto machine = started(options_for_tests("mem:16M"));
  ASSERT_TRUE(machine);
  std::vector<std::thread> clients;
  for (unsigned id = 0; id < 8; ++id)
    clients.emplace_back([&, id] {
      std::vector<std::byte> out(32 * 1024, std::byte{static_cast<unsigned char>(id + 1)}), in(out.size());
      for (std::uint64_t i = 0; i < 20; ++i) {
        const std::uint64_t offset = (id * 20 + i) * out.size();
        ASSERT_EQ(machine->disk().write(out, offset), 0);
        ASSERT_EQ(machine->disk().read(in, offset), 0);
        ASSERT_EQ(in, out);
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(machine->stop().outcome, Outcome::clean);
}

TEST(Machine, AThousandStartsAndStopsLeakNothing) {
  const auto cycle = [](std::uint64_t i) {
    Options options = options_for_tests("mem:1M", i);
    options.memory = 16u << 20;
    auto machine = started(options);
    ASSERT_TRUE(machine);
    std::byte block[4096]{};
    ASSERT_EQ(machine->disk().write(block, 4096), 0);
    ASSERT_EQ(machine->stop().outcome, Outcome::clean);
  };
  for (std::uint64_t i = 0; i < 20; ++i) cycle(i);
  const std::size_t files = open_files(), mappings = lines_in("/proc/self/maps"), pages = resident_pages();
  for (std::uint64_t i = 0; i < 1000; ++i) cycle(i);
  EXPECT_EQ(open_files(), files);
#if defined(DRYDOCK_ASAN)
  return;  // AddressSanitizer keeps what was freed
#endif
  EXPECT_LE(lines_in("/proc/self/maps"), mappings + 8);
  EXPECT_LE(resident_pages(), pages + 512);
}

TEST(Machine, BadInputIsOneLineAndNothingIsStarted) {
  const auto refused = [](auto change) {
    Options options = options_for_tests("mem:1M");
    change(options);
    const auto result = Machine::start(options);
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error.message.find('\n'), std::string::npos);
    EXPECT_FALSE(result.error.message.empty());
    return result.error.outcome;
  };
  EXPECT_EQ(refused([](Options& o) { o.driver = "/nonexistent.sys"; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.driver = "/bin/sh"; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.disk = "/nonexistent.img"; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.disk = "mem:lots"; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.phys = "sideways"; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.cpus = 0; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.memory = 1; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.devices = {"floppy"}; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.devices = {"virtio-blk,colour=red"}; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.registry = {"nonsense"}; }), Outcome::bad_input);
  EXPECT_EQ(refused([](Options& o) { o.trace_file = "/nonexistent/trace"; }), Outcome::bad_input);
}

/// An order to tests/drivers/bus_change.c: these units exist from now on.
int change_units(Disk& disk, std::uint32_t units, std::uint32_t how) {
  std::vector<std::byte> block(512);
  const struct { std::uint64_t magic; std::uint32_t units, how; } order{0x2153554244524421, units, how};
  std::memcpy(block.data(), &order, sizeof order);
  return disk.write(block, 0);
}

TEST(Machine, DisksComeAndGoWhenTheDriverSaysThatTheBusChanged) {  // ST-120 ST-125
  Options options = options_for_tests("mem:2M");
  options.driver = DRYDOCK_TEST_DRIVERS "/bus_change.sys";
  auto machine = started(options);
  ASSERT_TRUE(machine);
  std::byte block[512];
  ASSERT_EQ(machine->disk_count(), 1u);
  ASSERT_EQ(change_units(machine->disk(), 3, 0), 0);
  for (int i = 0; i < 100 && machine->disk_count() == 1; ++i) ASSERT_EQ(machine->disk().read(block, 0), 0);
  ASSERT_EQ(machine->disk_count(), 2u);
  EXPECT_TRUE(machine->disk(1).present());
  EXPECT_EQ(machine->disk(1).read(block, 0), 0);
  ASSERT_EQ(change_units(machine->disk(), 1, 1), 0);
  for (int i = 0; i < 100 && machine->disk(1).present(); ++i) ASSERT_EQ(machine->disk().read(block, 0), 0);
  EXPECT_FALSE(machine->disk(1).present());
  EXPECT_EQ(machine->disk(1).read(block, 0), ENODEV);
  EXPECT_EQ(machine->disk().read(block, 0), 0);
  const Report report = machine->stop();
  EXPECT_EQ(report.outcome, Outcome::clean) << findings_text(report);
  std::string told;
  for (const std::string& line : report.debug_output) told += line + "\n";
  EXPECT_EQ(told, "state change told: 0\ntold again meanwhile: c1000001\ntold of no entity: c1000006\n"
                  "state change of unit 1 processed: type 1, status 0\n");
}

TEST(Machine, ASelfCheckThatIsToldToStopEndsThereAndTheReportIsClean) {
  auto machine = started(options_for_tests("mem:8M"));
  ASSERT_TRUE(machine);
  unsigned told = 0;
  std::uint64_t done = 0, total = 0;
  EXPECT_FALSE(machine->self_check([&](const SelfCheckProgress& progress) {
    done = progress.done, total = progress.total;
    return ++told < 3;
  }));
  EXPECT_EQ(told, 3u);
  EXPECT_LT(done, total);
  std::byte block[512];
  EXPECT_EQ(machine->disk().read(block, 0), 0) << "the machine goes on";
  const Report report = machine->stop();
  EXPECT_EQ(report.outcome, Outcome::clean) << findings_text(report);
  EXPECT_GT(report.ios, 0u);
}

TEST(Machine, ASelfCheckNeedsNoProgressCallback) {
  auto machine = started(options_for_tests("mem:1M"));
  ASSERT_TRUE(machine);
  EXPECT_TRUE(machine->self_check({}));
}

}  // namespace
}  // namespace drydock
