// Each mistake with an object of the kernel is found, at its place; the same driver without it is not accused.

#include "workbench.h"

namespace drydock {

struct KernelMistake {
  const char *driver, *rule, *code, *message;
  Outcome outcome = Outcome::findings;
};

void PrintTo(const KernelMistake& mistake, std::ostream* out) { *out << mistake.driver; }

class KernelMistakes : public testing::TestWithParam<KernelMistake> {
 protected:
  static Report run(const std::string& driver) {
    Workbench bench;
    bench.with(driver);
    {
      auto device = bench.open();
      device->read(bench.buffer(64));
    }
    return bench.stop();
  }
};

TEST_P(KernelMistakes, are_found_where_they_are_made) {
  const KernelMistake& mistake = GetParam();
  const Report report = run(mistake.driver);
  EXPECT_EQ(report.outcome, mistake.outcome) << report.message << findings_of(report);
  if (mistake.outcome == Outcome::driver_crashed) {
    EXPECT_NE(report.message.find(mistake.message), std::string::npos) << report.message;
  }
  if (mistake.rule[0] == 0) return;
  const Finding* finding = finding_of(report, mistake.rule);
  ASSERT_NE(finding, nullptr) << findings_of(report);
  EXPECT_EQ(finding->code, mistake.code);
  if (mistake.outcome == Outcome::findings) {
    EXPECT_NE(finding->message.find(mistake.message), std::string::npos) << finding->message;
  }
  EXPECT_NE(finding->driver_location.find("kernel_mistakes.c:"), std::string::npos) << findings_of(report);
  if (mistake.outcome == Outcome::findings) {
    EXPECT_EQ(report.findings.size(), 1u) << findings_of(report);
  }
}

TEST_P(KernelMistakes, are_not_seen_in_the_correct_twin) {
  const Report report = run(std::string(GetParam().driver) + "_twin");
  EXPECT_EQ(findings_of(report), "");
  EXPECT_EQ(report.outcome, Outcome::clean) << report.message;
}

// DOC: VER-104 VER-152 VER-160 VER-161 VER-162 VER-163 VER-164 VER-165 VER-166 VER-167 VER-168 VER-169 VER-170 VER-171 VER-172 DRY-30 DRY-31
INSTANTIATE_TEST_SUITE_P(Each, KernelMistakes, testing::Values(
    KernelMistake{"event_never_initialized", "DRY-30", "", "never initialised"},
    KernelMistake{"dpc_never_initialized", "DRY-30", "", "never initialised"},
    KernelMistake{"timer_left_at_unload", "VER-152", "0xCE", "a timer that is set"},
    KernelMistake{"timer_in_freed_pool", "VER-162", "0xC7/0x0", "a timer that is set"},
    KernelMistake{"thread_left_at_unload", "VER-152", "0xCE", "a system thread that has not ended"},
    KernelMistake{"handle_left_open", "VER-152", "", "a handle of a thread"},
    KernelMistake{"fast_mutex_of_another", "VER-163", "0xC4/0x1007", "not owned by this thread"},
    KernelMistake{"resource_with_apcs", "VER-164", "0xC4/0x37", "KeEnterCriticalRegion"},
    KernelMistake{"critical_region_never_entered", "VER-165", "0xC4/0x3E", "in no critical region"},
    KernelMistake{"handle_closed_twice", "VER-166", "0xC4/0x3C", "no open handle"},
    KernelMistake{"name_malformed", "VER-171", "0xC4/0xE4", "Length 7"},
    KernelMistake{"resource_never_initialized", "VER-167", "0xC4/0x1002", "never initialised"},
    KernelMistake{"resource_initialized_twice", "VER-168", "0xC4/0xD0", "initialised already"},
    KernelMistake{"lookaside_left_at_unload", "VER-152", "0xC4/0xCC", "a lookaside list"},
    KernelMistake{"freed_with_another_tag", "VER-169", "0xC2/0xA", "tag"},
    KernelMistake{"paged_pool_at_dispatch", "VER-169", "0xC4/0x1", "IRQL 2"},
    KernelMistake{"pool_of_zero_bytes", "VER-169", "0xC4/0x0", "zero bytes"},
    KernelMistake{"provider_left_at_unload", "VER-152", "0xC4/0xDD", "event provider"},
    KernelMistake{"queued_lock_released_twice", "VER-91", "0xC4/0x00040007", "holds no lock"},
    KernelMistake{"spin_lock_released_at_passive", "VER-172", "0xC4/0x32", "IRQL 0"},
    KernelMistake{"paged_code_at_dispatch", "VER-104", "", "IRQL 2"},
    KernelMistake{"dpc_for_no_processor", "VER-161", "0xC7/0x3", "processor 63"},
    KernelMistake{"waits_at_dispatch", "VER-160", "0xC4/0x3B", "would wait at IRQL 2", Outcome::driver_crashed},
    KernelMistake{"waits_for_ever", "", "", "does not return: it waits for", Outcome::driver_crashed},
    KernelMistake{"waits_for_ever_beside_a_timer", "", "", "does not return: it waits for", Outcome::driver_crashed},
    KernelMistake{"mutex_acquired_twice", "", "", "its own thread has acquired already", Outcome::driver_crashed},
    KernelMistake{"resource_upgraded", "VER-167", "0xC4/0x1000", "waits for", Outcome::driver_crashed}),
    [](const auto& info) { return info.param.driver; });

}  // namespace drydock
