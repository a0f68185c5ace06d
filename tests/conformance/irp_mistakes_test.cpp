// Each mistake with an IRP is found, at its place; the same driver without it is not accused.

#include "workbench.h"

namespace drydock {

struct Mistake {
  const char *driver, *rule, *code, *message, *function;
  std::uint32_t bytes = 64;
  Checks checks = Checks::standard;
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.driver; }

class IrpMistakes : public testing::TestWithParam<Mistake> {
 protected:
  static Report run(const std::string& driver, std::uint32_t bytes, Checks checks) {
    Options options;
    options.checks = checks;
    Workbench bench(options);
    bench.with(driver);
    {
      auto device = bench.open();
      device->read(bench.buffer(bytes));
      device->read(bench.buffer(bytes));
    }
    return bench.stop();
  }
};

TEST_P(IrpMistakes, are_found_where_they_are_made) {
  const Mistake& mistake = GetParam();
  const Report report = run(mistake.driver, mistake.bytes, mistake.checks);
  const Finding* finding = finding_of(report, mistake.rule);
  ASSERT_NE(finding, nullptr) << findings_of(report);
  EXPECT_EQ(finding->code, mistake.code);
  EXPECT_NE(finding->message.find(mistake.message), std::string::npos) << finding->message;
  ASSERT_FALSE(finding->stack.empty());
  EXPECT_NE(finding->stack.front().find(mistake.function), std::string::npos) << finding->stack.front();
  EXPECT_EQ(report.findings.size(), 1u) << findings_of(report);
}

TEST_P(IrpMistakes, are_not_seen_in_the_correct_twin) {
  for (const Checks checks : {Checks::standard, Checks::all})
    EXPECT_EQ(findings_of(run(std::string(GetParam().driver) + "_twin", GetParam().bytes, checks)), "");
}

// DOC: BUF-110 VER-70 VER-72 VER-73 VER-75 VER-77 VER-91 VER-111 VER-180 BUF-26 BUF-27 BUF-30 BUF-83 BUF-84 BUF-86 BUF-112 DRY-21
INSTANTIATE_TEST_SUITE_P(Each, IrpMistakes, testing::Values(
    Mistake{"status_differs", "VER-72", "0xC9/0x224", "returned 0x00000000", "Read"},
    Mistake{"neither_completed_nor_pended", "VER-72", "0xC9/0x226", "neither completed", "Read"},
    Mistake{"pending_without_mark", "VER-73", "0xC9/0x23D", "without IoMarkIrpPending", "Read"},
    Mistake{"marked_not_pending", "VER-73", "0xC9/0x23E", "marked IRP", "Read"},
    Mistake{"completed_twice", "VER-111", "0x44", "a second time", "Read"},
    Mistake{"completed_with_pending", "BUF-83", "0xC9/0x06", "STATUS_PENDING", "Read"},
    Mistake{"completed_with_lock", "BUF-83", "", "while a spin lock is held", "Read"},
    Mistake{"cancel_routine_left", "BUF-83", "0xC9/0x07", "cancel routine still set", "Read"},
    Mistake{"completed_above_dispatch", "BUF-83", "0xC9/0x0E", "IRQL 3", "Read"},
    Mistake{"frees_foreign_irp", "VER-77", "0xC9/0x02", "the I/O manager frees it", "Read"},
    Mistake{"freed_twice", "VER-77", "0xC9/0x20A", "freed a second time", "Read"},
    Mistake{"irp_left_behind", "VER-77", "", "left IRP", "Read"},
    Mistake{"pool_left_behind", "VER-180", "0xC4/0x62", "24 bytes of pool were never freed", "Read"},
    Mistake{"never_completed", "DRY-21", "", "was never completed", "Read"},
    Mistake{"cancel_lock_kept", "VER-91", "", "without releasing the cancel spin lock", "Cancel"},
    Mistake{"information_too_large", "BUF-26", "0xC9/0x312", "Information 72", "Read"},
    Mistake{"leaks_system_buffer", "BUF-27", "", "32 bytes", "Read"},
    Mistake{"touched_after_completion", "BUF-84", "", "of an IRP", "Read", 64, Checks::all},
    Mistake{"system_buffer_overrun", "BUF-30", "", "+0x40 of a system buffer of 64 bytes, outside of it", "Read", 64, Checks::all},
    Mistake{"system_buffer_kept", "BUF-30", "", "after the request was completed", "Read", 64, Checks::all}),
    [](const auto& info) { return info.param.driver; });

// DOC: BUF-113 the driver that forgot that a request may be for no bytes.
TEST(NullMdl, of_a_request_for_no_bytes_that_is_looked_into_ends_the_system) {
  for (const bool twin : {false, true}) {
    Workbench bench;
    bench.with(twin ? "null_mdl_twin" : "null_mdl");
    bench.open()->read({bench.buffer(16).address, 0});
    const Report& report = bench.stop();
    EXPECT_EQ(report.outcome, twin ? Outcome::clean : Outcome::driver_crashed) << findings_of(report);
    EXPECT_EQ(report.message.find("NULL") != std::string::npos, !twin) << report.message;
  }
}

}  // namespace drydock
