#include "verifier/finding_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace drydock {
namespace {

struct Stacks final : StackSource {
  std::vector<std::uint64_t> stack_at(const CodePlace& place) override {
    return place.rip == 0 ? std::vector<std::uint64_t>{} : std::vector<std::uint64_t>{place.rip, 0x99};
  }
};

struct FindingLogTest : testing::Test {
  Stacks stacks;
  FindingLog log{stacks};
  Trace trace;
  FindingLogTest() { trace.add(log, false); }
};

TEST_F(FindingLogTest, TheSameRuleAtTheSamePlaceIsOneFindingWithACount) {
  for (int i = 0; i < 3; ++i) trace.emit(RuleBroken{"ST-121", "", fmt::format("SRB {}", i), {.rip = 0x10}});
  trace.emit(RuleBroken{"ST-121", "", "SRB 9", {.rip = 0x20}});
  ASSERT_EQ(log.findings().size(), 2u);
  EXPECT_EQ(log.findings()[0].count, 3u);
  EXPECT_EQ(log.findings()[0].stack, (std::vector<std::uint64_t>{0x10, 0x99}));
}

TEST_F(FindingLogTest, TheFirstAndTheSecondOccurrenceAreToldAndTheOthersCounted) {
  for (int i = 1; i <= 50; ++i) trace.emit(RuleBroken{"ST-121", "", fmt::format("SRB {}", i), {.rip = 0x10}});
  for (int i = 1; i <= 3; ++i) trace.emit(RuleBroken{"VER-98", "", "always the same", {.rip = 0x20}});
  ASSERT_EQ(log.findings().size(), 2u);
  EXPECT_EQ(log.findings()[0].message, "SRB 1");
  EXPECT_EQ(log.findings()[0].second, "SRB 2");
  EXPECT_EQ(log.findings()[0].count, 50u);
  EXPECT_EQ(log.findings()[1].second, "");
}

TEST_F(FindingLogTest, WithoutAPlaceTheWordsDecideAndTheirNumbersDoNot) {
  for (unsigned i = 1; i <= 5; ++i) trace.emit(DmaRefused{0x1A00u * i, 512, true});
  trace.emit(DmaRefused{0x1000, 512, false});
  trace.emit(RuleBroken{"VER-98", "", "HwStorFindAdapter did not set A", {}});
  trace.emit(RuleBroken{"VER-98", "", "HwStorFindAdapter did not set B", {}});
  ASSERT_EQ(log.findings().size(), 4u);
  EXPECT_EQ(log.findings()[0].count, 5u);
  EXPECT_NE(log.findings()[0].second.find("0x3400"), std::string::npos);
}

TEST_F(FindingLogTest, EachKindOfForbiddenTouchHasItsOwnRule) {
  const auto rule = [&](std::string object, bool dead, bool read_write, std::uint64_t rip) {
    trace.emit(ForbiddenTouched{std::move(object), 1, 0x10, false, dead, read_write, {.rip = rip}});
    return log.findings().back().rule;
  };
  EXPECT_EQ(rule("DataBuffer", false, true, 1), "ST-42");
  EXPECT_EQ(rule("DataBuffer", false, false, 2), "ST-40");
  EXPECT_EQ(rule("scatter/gather list", true, true, 3), "ST-43");
  EXPECT_EQ(rule("SRB extension", true, true, 4), "ST-60");
  EXPECT_EQ(rule("SRB", true, true, 5), "ST-121");
}

TEST_F(FindingLogTest, AnAllowedRuleIsCountedAndNotListed) {
  log.allow("ST-121");
  log.allow("ST-57");
  for (std::uint64_t i = 1; i <= 3; ++i) trace.emit(RuleBroken{"ST-121", "", "x", {.rip = i}});
  trace.emit(RuleBroken{"ST-12", "", "x", {}});
  ASSERT_EQ(log.findings().size(), 1u);
  EXPECT_EQ(log.findings()[0].rule, "ST-12");
  EXPECT_EQ(log.allowed().at("ST-121"), 3u);
  EXPECT_EQ(log.allowed().at("ST-57"), 0u);
}

TEST_F(FindingLogTest, OrdinaryEventsAccuseNobody) {
  trace.emit(SrbCompleted{1, 1, 0, 512});
  trace.emit(MachineHalted{0xD1, {}, "x", {}});
  EXPECT_TRUE(log.findings().empty());
}

TEST_F(FindingLogTest, TheListHasALimit) {
  for (std::uint64_t i = 1; i <= FindingLog::kFindingsMax + 5; ++i) trace.emit(RuleBroken{"ST-42", "", "x", {.rip = i}});
  EXPECT_EQ(log.findings().size(), FindingLog::kFindingsMax);
  EXPECT_EQ(log.dropped(), 5u);
}

}  // namespace
}  // namespace drydock
