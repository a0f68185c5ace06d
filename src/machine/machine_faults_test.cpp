// Faults through a real driver: the client gets the error it should, in milliseconds of real time, a later request works, no byte
// outside a request changes, and nothing of it is told as the driver's doing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <ctime>
#include <fstream>
#include <sstream>

#include "devices/test_file.h"
#include "machine/machine_for_tests.h"

namespace drydock {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kSize = 1u << 20, kAt = 128 * 1024, kLength = 16 * 1024, kSecondNs = 1'000'000'000;

std::byte pattern(std::uint64_t at, unsigned generation) { return static_cast<std::byte>(at * 7 + (at >> 9) * 13 + generation * 101); }

std::vector<std::byte> bytes(std::uint64_t at, std::uint64_t length, unsigned generation) {
  std::vector<std::byte> content(length);
  for (std::uint64_t i = 0; i < length; ++i) content[i] = pattern(at + i, generation);
  return content;
}

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

/// A write that fails may have been carried out, in part or not at all, sector by sector; everything else is as it was.
void expect_kept(std::span<const std::byte> disk, unsigned inside, bool certain) {
  for (std::uint64_t at = 0; at < disk.size(); at += 512) {
    const auto is = [&](unsigned generation) {
      for (std::uint64_t i = 0; i < 512; ++i)
        if (disk[at + i] != pattern(at + i, generation)) return false;
      return true;
    };
    const bool written = at >= kAt && at < kAt + kLength;
    if (!written) ASSERT_TRUE(is(1)) << "a byte outside the request changed, at " << at;
    else if (certain) ASSERT_TRUE(is(inside)) << at;
    else ASSERT_TRUE(is(1) || is(inside)) << at;
  }
}

struct FaultCase {
  const char* name;
  int error;           ///< of the request it strikes
  bool times_out;
  const char* device = "virtio-blk,cache=none";
};

void PrintTo(const FaultCase& c, std::ostream* out) { *out << c.name; }

class OneFault : public testing::TestWithParam<FaultCase> {
 protected:
  OneFault() : file(kSize), trace(testing::TempDir() + "fault_trace_" + GetParam().name + ".jsonl") {}
  ~OneFault() override { ::unlink(trace.c_str()); }
  std::unique_ptr<Machine> prepared(const std::string& fault) {
    Options options = options_for_tests(file.path());
    options.devices = {GetParam().device};
    options.faults = {fault};
    options.trace_file = trace;
    auto machine = started(options);
    if (!machine) return machine;
    for (std::uint64_t at = 0; at < kSize; at += 64 * 1024) EXPECT_EQ(machine->disk().write(bytes(at, 64 * 1024, 1), at), 0);
    EXPECT_EQ(machine->disk().flush(), 0);
    return machine;
  }
  /// So that it strikes in the very request that is to come.
  std::string next_opportunity() {
    const auto machine = prepared(std::string(GetParam().name) + "=#1000000000");
    return fmt::format("{}=#{}", GetParam().name, machine->report().faults.at(0).opportunities + 1);
  }
  std::string trace_text() const {
    std::ifstream in(trace);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }
  TestFile file;
  std::string trace;
};

TEST_P(OneFault, TheClientGetsTheRightErrorALaterRequestWorksAndNothingElseChanges) {
  const FaultCase& expected = GetParam();
  const std::string fault = next_opportunity();
  auto machine = prepared(fault);
  const std::uint64_t before = machine->report().virtual_nanoseconds;
  EXPECT_EQ(machine->disk().write(bytes(kAt, kLength, 2), kAt), expected.error);
  const std::uint64_t took = machine->report().virtual_nanoseconds - before;
  EXPECT_EQ(machine->report().faults.at(0).strikes, 1u);
  EXPECT_EQ(machine->report().failed, expected.error != 0 ? 1u : 0u);
  if (expected.times_out) EXPECT_GE(took, 60 * kSecondNs);
  else EXPECT_LT(took, kSecondNs);
  const bool gone = expected.error == ENODEV;
  std::vector<std::byte> disk(kSize);
  if (!gone) {
    ASSERT_EQ(machine->disk().read(disk, 0), 0);
    expect_kept(disk, 2, expected.error == 0);
  }
  EXPECT_EQ(machine->disk().write(bytes(kAt, kLength, 3), kAt), gone ? ENODEV : 0) << "a later request";
  const Report report = machine->stop();
  EXPECT_EQ(report.outcome, Outcome::clean) << findings_text(report);
  machine.reset();
  std::ifstream(file.path(), std::ios::binary).read(reinterpret_cast<char*>(disk.data()), kSize);
  expect_kept(disk, gone ? 2 : 3, !gone);
  EXPECT_THAT(trace_text(), HasSubstr(fmt::format("\"fault_injected\",\"fault\":\"{}\"", expected.name)));
}

constexpr const char* kLine = "virtio-blk,cache=none,msix=off";

INSTANTIATE_TEST_SUITE_P(
    Faults, OneFault,
    testing::Values(FaultCase{"lost-interrupt", 0, true}, FaultCase{"lost-interrupt", 0, true, kLine}, FaultCase{"spurious-interrupt", 0, false},
                    FaultCase{"spurious-interrupt", 0, false, kLine}, FaultCase{"early-interrupt", 0, true}, FaultCase{"early-interrupt", 0, true, kLine},
                    FaultCase{"interrupt-storm", 0, false}, FaultCase{"interrupt-storm", 0, false, kLine}, FaultCase{"wild-index", 0, true},
                    FaultCase{"descriptor-loop", 0, false}, FaultCase{"descriptor-loop", 0, false, "virtio-blk,cache=none,indirect=off"},
                    FaultCase{"no-status", EIO, false}, FaultCase{"wrong-length", 0, false}, FaultCase{"late-dma", 0, false},
                    FaultCase{"device-gone", ENODEV, false}, FaultCase{"medium-error", EIO, false}, FaultCase{"enospc", EIO, false},
                    FaultCase{"short-io", 0, false}, FaultCase{"io-error", EIO, false}));

TEST(MachineFaults, AMinuteOfTimeOutCostsLessThanTenMilliseconds) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    Options options = options_for_tests("mem:1M");
    options.faults = {"lost-interrupt=#1000000000"};
    std::uint64_t opportunities = 0;
    {
      auto machine = started(options);
      opportunities = machine->report().faults.at(0).opportunities;
    }
    options.faults = {fmt::format("lost-interrupt=#{}", opportunities + 1)};
    auto machine = started(options);
    std::vector<std::byte> block(4096);
    const std::uint64_t before = machine->report().virtual_nanoseconds;
    const double start = cpu_ms();
    EXPECT_EQ(machine->disk().read(block, 0), 0);
    best = std::min(best, cpu_ms() - start);
    EXPECT_GE(machine->report().virtual_nanoseconds - before, 60 * kSecondNs);
  }
  EXPECT_LT(best, 10.0);
}

TEST(MachineFaults, LateDmaIsRefusedByTheBusAndNoFindingOfTheDrivers) {
  Options options = options_for_tests("mem:4M");
  options.faults = {"late-dma=1"};
  options.trace_file = testing::TempDir() + "late_dma_trace.jsonl";
  auto machine = started(options);
  machine->self_check({});
  const Report report = machine->stop();
  EXPECT_EQ(report.outcome, Outcome::clean) << findings_text(report);
  EXPECT_GT(report.faults.at(0).strikes, 200u);
  machine.reset();
  std::ifstream in(options.trace_file);
  std::size_t refused = 0, charged = 0;
  for (std::string line; std::getline(in, line);)
    if (line.find("\"dma_refused\"") != std::string::npos) ++(line.find("\"injected\":true") != std::string::npos ? refused : charged);
  EXPECT_GT(refused, 20u);
  EXPECT_EQ(charged, 0u);
  ::unlink(options.trace_file.c_str());
}

TEST(MachineFaults, RequestsThatNeverGetAnInterruptEndInAnErrorAndNotInAHang) {
  Options options = options_for_tests("mem:1M");
  options.faults = {"lost-interrupt=1"};
  const auto result = Machine::start(options);
  if (!result) {
    EXPECT_EQ(result.error.outcome, Outcome::refused) << result.error.message;
    return;
  }
  std::vector<std::byte> block(4096);
  EXPECT_EQ(result.machine->disk().read(block, 0), EIO) << "after the last retry";
  EXPECT_GE(result.machine->report().virtual_nanoseconds, 9 * 60 * kSecondNs);
  EXPECT_EQ(result.machine->stop().outcome, Outcome::clean);
}

/// What a stopped machine still has in use. System threads stay, to be used again: how many there are is how much went on at once.
std::string left_behind(Machine& machine) {
  constexpr std::uint32_t kThreadTag = 0x65726854;  // 'Thre'
  Board& board = static_cast<MachineImpl&>(machine).board();
  std::size_t blocks = 0;
  board.pool->for_each_live([&](const PoolBlock& block) { blocks += block.tag != kThreadTag ? 1 : 0; });
  return fmt::format("{} pages, {} pool blocks, {} registers, {} mapped ranges", board.memory->pages_used(), blocks,
                     board.registers->count() - board.registers->free_count(), board.mmio->count());
}

class Suffered : public testing::TestWithParam<std::tuple<const char*, Checks>> {};

// However the run went: what is in use afterwards is what a run without faults leaves, drydock's own standing memory.
TEST_P(Suffered, LeavesNothingBehind) {
  const auto& [fault, checks] = GetParam();
  TestFile file(kSize);
  Options options = options_for_tests(file.path());
  options.checks = checks;
  std::string untroubled;
  {
    auto machine = started(options);
    machine->self_check({});
    EXPECT_EQ(machine->stop().outcome, Outcome::clean);
    untroubled = left_behind(*machine);
  }
  options.faults = {fault};
  auto machine = started(options);
  machine->self_check({});
  const Report report = machine->stop();
  EXPECT_EQ(report.outcome, Outcome::clean) << findings_text(report);
  EXPECT_GT(report.faults.at(0).strikes, 0u);
  EXPECT_EQ(left_behind(*machine), untroubled);
}

INSTANTIATE_TEST_SUITE_P(
    Every, Suffered,
    testing::Combine(testing::Values("lost-interrupt=0.02", "spurious-interrupt=0.5", "early-interrupt=0.05", "interrupt-storm=0.05", "wild-index=0.02",
                                     "descriptor-loop=0.5", "no-status=0.1", "wrong-length=1", "late-dma=0.5", "device-gone=#200", "medium-error=0.1",
                                     "enospc=0.1", "short-io=0.5", "io-error=0.1"),
                     testing::Values(Checks::standard, Checks::all)));

// The list above is complete but for no-mapping, which only a driver suffers that maps MDLs (tests/conformance).
TEST(EveryFault, IsSufferedByATest) { EXPECT_EQ(fault_descriptions().size(), 15u); }

TEST(MachineFaults, EveryAdapterSuffersByItselfAndIsCounted) {
  Options options = options_for_tests("mem:2M");
  options.devices = {"virtio-blk", "virtio-blk,mode=transitional,msix=off"};
  options.faults = {"wrong-length=1", "descriptor-loop=1/2"};
  auto machine = started(options);
  ASSERT_EQ(machine->disk_count(), 2u);
  machine->self_check({});
  const Report report = machine->stop();
  EXPECT_EQ(report.outcome, Outcome::clean) << findings_text(report);
  ASSERT_EQ(report.adapters.size(), 2u);
  EXPECT_EQ(report.adapters[1].device, "virtio-blk,mode=transitional,msix=off");
  EXPECT_EQ(report.adapters[1].limits.interrupt_messages, 0u);
  EXPECT_EQ(report.adapters[0].ios + report.adapters[1].ios, report.ios);
  EXPECT_GT(report.adapters[1].ios, 300u);
  EXPECT_EQ(report.faults.at(0).opportunities, report.faults.at(0).strikes);
  EXPECT_GT(report.faults.at(1).strikes, 100u);
}

TEST(MachineFaults, AFaultThatCannotBeIsBadInput) {
  const auto refusal = [](std::vector<std::string> faults) {
    Options options = options_for_tests("mem:1M");
    options.faults = std::move(faults);
    const auto result = Machine::start(options);
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error.outcome, Outcome::bad_input);
    EXPECT_THAT(result.error.message, Not(HasSubstr("\n")));
    return result.error.message;
  };
  EXPECT_THAT(refusal({"gremlins"}), HasSubstr("there is no fault 'gremlins'"));
  EXPECT_THAT(refusal({"no-status=2"}), HasSubstr("rate"));
  EXPECT_THAT(refusal({"no-status", "no-status=1"}), HasSubstr("twice"));
  EXPECT_THAT(refusal({"enospc"}), HasSubstr("mem:1M is none"));
}

/// A driver that does break a rule is told so under faults as well.
TEST(MachineFaults, AFaultIsNoExcuseForADriver) {
  Options options = options_for_tests("mem:2M");
  options.driver = DRYDOCK_TEST_DRIVERS "/srb_after_completion.sys";
  options.faults = {"wrong-length=1"};
  auto machine = started(options);
  ASSERT_TRUE(machine);
  std::vector<std::byte> block(4096);
  (void)machine->disk().write(block, 0);
  (void)machine->disk().read(block, 0);
  EXPECT_EQ(machine->stop().outcome, Outcome::findings);
}

}  // namespace
}  // namespace drydock
