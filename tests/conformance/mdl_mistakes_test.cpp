// Each mistake with an MDL is found, at its place and with Microsoft's code; the same driver without it is not accused.

#include "workbench.h"

namespace drydock {

struct MdlMistake {
  const char *driver, *rule, *code, *message;
  bool closely = false;  ///< found by --checks all alone
  std::uint32_t method = kNeither;
};

void PrintTo(const MdlMistake& mistake, std::ostream* out) { *out << mistake.driver; }

class MdlMistakes : public testing::TestWithParam<MdlMistake> {
 protected:
  static Report run(const std::string& driver, std::uint32_t method, Checks checks) {
    Options options;
    options.checks = checks;
    Workbench bench(options);
    bench.with(driver);
    {
      auto device = bench.open();
      const Buffer buffer = bench.buffer(6000, {.offset = 0x20});
      EXPECT_TRUE(device->control(control_code(1, method), {}, buffer).succeeded());
    }
    return bench.stop();
  }
};

TEST_P(MdlMistakes, are_found_where_they_are_made) {
  const MdlMistake& mistake = GetParam();
  const Report report = run(mistake.driver, mistake.method, mistake.closely ? Checks::all : Checks::standard);
  const Finding* finding = finding_of(report, mistake.rule);
  ASSERT_NE(finding, nullptr) << findings_of(report);
  EXPECT_EQ(finding->code, mistake.code);
  EXPECT_NE(finding->message.find(mistake.message), std::string::npos) << finding->message;
  ASSERT_FALSE(finding->stack.empty());
  std::string stack;
  for (const std::string& frame : finding->stack) stack += frame + "\n";
  EXPECT_NE(stack.find("mdl_mistakes.c"), std::string::npos) << stack;  // a frame is named by what was inlined into it
}

TEST_P(MdlMistakes, are_not_seen_in_the_correct_twin) {
  for (const Checks checks : {Checks::standard, Checks::all})
    EXPECT_EQ(findings_of(run(std::string(GetParam().driver) + "_twin", GetParam().method, checks)), "");
}

TEST_P(MdlMistakes, do_not_stop_a_machine_without_checks) {
  const Report report = run(GetParam().driver, GetParam().method, Checks::off);
  EXPECT_EQ(findings_of(report), "");
}

// DOC: MDL-09 MDL-12 MDL-16 MDL-17 MDL-19 MDL-21 MDL-22 MDL-24 MDL-25 MDL-28 MDL-29 MDL-32 MDL-35 MDL-36 MDL-37 MDL-39 MDL-41
// DOC: MDL-44 MDL-49 MDL-52 VER-51 VER-54 VER-55 VER-56 VER-59 VER-60 VER-61 VER-62 VER-65 VER-150 VER-151 BUF-48 BUF-51
INSTANTIATE_TEST_SUITE_P(Each, MdlMistakes, testing::Values(
    MdlMistake{"freed_locked", "MDL-12", "", "still locked"},
    MdlMistake{"freed_mapped", "MDL-12", "0xC4/0xB8", "still mapped"},
    MdlMistake{"locked_at_dispatch", "MDL-16", "", "at DISPATCH_LEVEL"},
    MdlMistake{"locked_above_dispatch", "MDL-16", "0xC4/0x70", "IRQL 3"},
    MdlMistake{"locked_twice", "MDL-17", "0xC4/0xB0", "locked already"},
    MdlMistake{"locked_nonpaged", "MDL-19", "0xC4/0xB0", "need no lock"},
    MdlMistake{"unlocked_nonpaged", "MDL-19", "0xC4/0x7D", "no lock to release"},
    MdlMistake{"unlocked_partial", "MDL-19", "0xC4/0xB4", "IoBuildPartialMdl"},
    MdlMistake{"unlocked_never", "MDL-22", "0xC4/0x7C", "not locked"},
    MdlMistake{"unlocked_twice", "MDL-22", "0xC4/0x7C", "not locked"},
    MdlMistake{"built_over_stack", "MDL-24", "0xC4/0x140", "kernel stack"},
    MdlMistake{"built_over_user", "MDL-24", "0xC4/0x140", "a user's"},
    MdlMistake{"mapped_nonpaged", "MDL-25", "0xC4/0xB2", "mapped already"},
    MdlMistake{"mapped_unlocked", "MDL-29", "0xC4/0xB3", "no locked pages"},
    MdlMistake{"bug_check_on_failure", "MDL-32", "0xC4/0x82", "BugCheckOnFailure"},
    MdlMistake{"mapped_twice", "MDL-35", "0xC4/0xB2", "already"},
    MdlMistake{"unfilled_to_user", "MDL-36", "", "never filled"},
    MdlMistake{"freed_with_user_mapping", "MDL-36", "", "still mapped into a process"},
    MdlMistake{"unmapped_unmapped", "MDL-37", "0xC4/0xB6", "not mapped"},
    MdlMistake{"unmapped_partial", "MDL-37", "0xC4/0xB5", "its source's"},
    MdlMistake{"unmapped_wrong_address", "MDL-37", "0xC4/0xB9", "no user address"},
    MdlMistake{"partial_outside", "MDL-39", "", "not inside"},
    MdlMistake{"partial_reused", "MDL-41", "", "MmPrepareMdlForReuse"},
    MdlMistake{"header_changed", "MDL-49", "", "ByteCount"},
    MdlMistake{"obsolete_map", "MDL-52", "0xC4/0x81", "obsolete"},
    MdlMistake{"left_locked", "VER-151", "0xCB", "2 pages of process"},
    MdlMistake{"pages_leaked", "MDL-44", "", "never freed"},
    MdlMistake{"used_after_unlock", "MDL-21", "0x50", "which is over", true},
    MdlMistake{"overrun_of_mapping", "BUF-48", "0x50", "behind its last page", true},
    MdlMistake{"read_lock_written", "BUF-51", "", "IoReadAccess", true},
    MdlMistake{"no_write_written", "MDL-28", "0xBE", "protected against writing"},
    MdlMistake{"executable_mapping", "VER-65", "0xC4/0x2002", "MdlMappingNoExecute", true},
    MdlMistake{"secondary_without_irp", "MDL-09", "", "SecondaryBuffer"},
    MdlMistake{"request_locked_again", "MDL-17", "0xC4/0xB0", "locked already", false, kOutDirect},  // DOC: BUF-45
    MdlMistake{"mdl_address_touched", "BUF-63", "", "", false, kOutDirect},                          // DOC: BUF-46
    MdlMistake{"request_unlocked", "VER-150", "0x76/0x1", "the I/O manager locked", false, kOutDirect}),
    [](const auto& info) { return info.param.driver; });

}  // namespace drydock
