// User memory that a driver reads twice: a finding where the second value decides, and nowhere else.

#include "workbench.h"

namespace drydock {

class DoubleFetches : public testing::Test {
 protected:
  static Options watched() {
    Options options;
    options.double_fetch = true;
    return options;
  }
  /// The information of the answer to each input.
  static std::vector<std::uint64_t> run(Workbench& bench, const std::string& driver, const std::vector<std::string>& inputs, std::uint32_t function = 0) {
    bench.with(driver);
    const auto device = bench.open();
    std::vector<std::uint64_t> told;
    for (const std::string& input : inputs) {
      const Buffer in = bench.holding(input);
      const Answer answer = device->control(control_code(function, kNeither), in, {});
      told.push_back(answer.succeeded() ? answer.information : answer.status);
      EXPECT_EQ(bench.text_at(in), input);  // as the client left it
    }
    return told;
  }
};

using Told = std::vector<std::uint64_t>;

// DOC: BUF-69 VER-110
TEST_F(DoubleFetches, are_found_where_the_second_value_decides) {
  for (const char* driver : {"length_fetched_twice", "checked_then_copied"}) {
    Workbench bench(watched());
    const bool sums = std::string(driver).starts_with("length");
    const std::string input{2, 3, 4, 5, 6};
    EXPECT_EQ(run(bench, driver, {input, input}), (sums ? Told{7, 7} : Told{102, 102})) << driver;
    const Report report = bench.stop();
    const Finding* finding = finding_of(report, "VER-110");
    ASSERT_NE(finding, nullptr) << findings_of(report);
    std::string mark = driver;
    for (char& c : mark) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(finding->driver_location, place_of("neither_mistakes.c", mark));
    EXPECT_EQ(finding->related.size(), 2u);
    EXPECT_EQ(report.findings.size(), 1u) << findings_of(report);
  }
}

TEST_F(DoubleFetches, are_not_seen_in_drivers_that_fetch_once) {
  for (const char* driver : {"length_fetched_twice_twin", "checked_then_copied_twin"}) {
    Workbench bench(watched());
    run(bench, driver, {std::string{2, 3, 4, 5, 6}});
    EXPECT_EQ(findings_of(bench.stop()), "") << driver;
  }
}

TEST_F(DoubleFetches, are_none_where_the_first_value_decides_or_the_driver_has_a_state_of_its_own) {
  Workbench bench(watched());
  EXPECT_EQ(run(bench, "fetched_twice_in_vain", {"A", "B"}), (Told{'A', 'B'}));
  EXPECT_EQ(findings_of(bench.stop()), "");
  Workbench counting(watched());
  run(counting, "fetched_twice_in_vain", {"A", "B"}, 1);
  EXPECT_EQ(findings_of(counting.stop()), "");
}

TEST_F(DoubleFetches, are_not_looked_for_unless_asked) {
  Workbench bench;
  run(bench, "length_fetched_twice", {std::string{2, 3, 4, 5, 6}});
  EXPECT_EQ(findings_of(bench.stop()), "");
}

TEST_F(DoubleFetches, need_checks) {
  Options options = watched();
  options.checks = Checks::off;
  const auto started = Machine::start(options);
  EXPECT_FALSE(started);
  EXPECT_EQ(started.error.outcome, Outcome::bad_input);
}

}  // namespace drydock
