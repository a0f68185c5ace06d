// Mistakes with raw user addresses, each found at its instruction; the same driver without it is not accused.

#include "workbench.h"

namespace drydock {

struct AddressMistake {
  const char *driver, *rule, *code, *message;
};

void PrintTo(const AddressMistake& mistake, std::ostream* out) { *out << mistake.driver; }

std::string mark_of(std::string name) {
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

class AddressMistakes : public testing::TestWithParam<AddressMistake> {
 protected:
  static Report run(const std::string& driver) {
    Workbench bench;
    bench.with(driver);
    auto device = bench.open();
    if (driver.starts_with("kept_address")) {  // one process reads, another one makes the driver answer
      const auto other = bench.machine().client("other");
      auto opened = other->open("\\\\.\\Conformance");
      const auto reading = device->start_read(bench.buffer(64));
      opened.device->control(control_code(0, kNeither), {}, {});
      reading->wait();
      opened.device.reset();
    } else {
      device->read(bench.buffer(64));
    }
    device.reset();
    return bench.stop();
  }
};

TEST_P(AddressMistakes, are_found_at_the_instruction) {
  const AddressMistake& mistake = GetParam();
  const Report report = run(mistake.driver);
  const Finding* finding = finding_of(report, mistake.rule);
  ASSERT_NE(finding, nullptr) << findings_of(report);
  EXPECT_EQ(finding->code, mistake.code);
  EXPECT_NE(finding->message.find(mistake.message), std::string::npos) << finding->message;
  EXPECT_EQ(finding->driver_location, place_of("neither_mistakes.c", mark_of(mistake.driver)));
  EXPECT_EQ(report.findings.size(), 1u) << findings_of(report);
}

TEST_P(AddressMistakes, are_not_seen_in_the_correct_twin) { EXPECT_EQ(findings_of(run(std::string(GetParam().driver) + "_twin")), ""); }

// DOC: BUF-24 BUF-50 BUF-115 BUF-62 BUF-63 BUF-68 VER-63 DRY-40 DRY-41
INSTANTIATE_TEST_SUITE_P(Each, AddressMistakes, testing::Values(
    AddressMistake{"stored_outside_try", "BUF-63", "", "outside of any __try"},
    AddressMistake{"guarded_by_finally_only", "BUF-63", "", "outside of any __try"},
    AddressMistake{"probed_outside_try", "BUF-63", "", "ProbeForWrite was called outside of any __try"},
    AddressMistake{"copied_outside_try", "BUF-63", "", "written by memcpy outside of any __try"},
    AddressMistake{"in_system_thread", "BUF-62", "", "in the context of no process"},
    AddressMistake{"kept_address", "BUF-62", "", "memory of process 'test': 4 bytes"},
    AddressMistake{"touched_with_lock", "DRY-41", "0xD1", "at IRQL 2"},
    AddressMistake{"event_of_user", "VER-63", "0xC4/0xE0", "KeInitializeEvent: Event is a user-mode address"},
    AddressMistake{"vouched_for", "VER-63", "0xC4/0xE2", "RequestorMode KernelMode"},
    AddressMistake{"around_system_buffer", "BUF-24", "", "though the request is buffered"}),
    [](const auto& info) { return info.param.driver; });

// DOC: DRY-40 the driver above takes the exception of the one below: that happens, and is told.
TEST(AddressMistakesBelow, an_exception_that_is_left_to_the_driver_above_is_told_and_taken) {
  for (const bool twin : {false, true}) {
    Workbench bench;
    bench.with(twin ? "left_to_the_driver_above_twin" : "left_to_the_driver_above").with("guarded_above");
    const Answer answer = bench.open()->read({0x1234, 4});
    EXPECT_EQ(answer.status, 0xC0000005u);
    const Report report = bench.stop();
    if (twin) {
      EXPECT_EQ(findings_of(report), "");
      continue;
    }
    const Finding* finding = finding_of(report, "DRY-40");
    ASSERT_NE(finding, nullptr) << findings_of(report);
    EXPECT_EQ(finding->driver_location, place_of("neither_mistakes.c", "LEFT_TO_THE_DRIVER_ABOVE"));
    EXPECT_EQ(report.findings.size(), 1u) << findings_of(report);
  }
}

// DOC: VER-210 without a __try the system stops, where a client wants it to.
TEST(AddressMistakesThatStop, an_unguarded_access_of_bad_memory_is_a_system_service_exception) {
  Workbench bench;
  bench.with("guarded_by_finally_only");
  bench.open()->read({0x1234, 4});
  const Report report = bench.stop();
  EXPECT_EQ(report.outcome, Outcome::driver_crashed);
  const Finding* check = finding_of(report, "bug check");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->code, "0x3b/0xc0000005");
  EXPECT_EQ(check->parameters.at(3), 0x1234u);
  EXPECT_NE(finding_of(report, "BUF-63"), nullptr) << findings_of(report);
}

TEST(AddressMistakesThatStop, no_try_helps_at_dispatch_level) {
  Workbench bench;
  bench.with("touched_with_lock");
  const Buffer gone = bench.buffer(4096);
  bench.client().unmap(gone);
  bench.open()->read(gone);
  const Report report = bench.stop();
  EXPECT_EQ(report.outcome, Outcome::driver_crashed);
  const Finding* check = finding_of(report, "bug check");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->code, "0xd1");
  EXPECT_EQ(check->parameters, (std::vector<std::uint64_t>{gone.address, 2, 1, check->parameters.at(3)}));
}

}  // namespace drydock
