#include "fault/fault_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace drydock {
namespace {

using testing::HasSubstr;
using enum FaultPoint;

Trace no_trace;

std::vector<FaultSpec> specs(std::vector<std::string> texts) {
  auto parsed = parse_faults(texts);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? *parsed : std::vector<FaultSpec>{};
}

std::vector<bool> course(FaultPlan& plan, FaultPoint point, int turns) {
  std::vector<bool> course;
  for (int i = 0; i < turns; ++i) course.push_back(plan.strikes(point));
  return course;
}

TEST(FaultPoint, EveryFaultHasANameThatFindsItAndAnExplanation) {
  std::set<std::string_view> names;
  for (const FaultDescription& each : fault_descriptions()) {
    EXPECT_EQ(find_fault(each.name), &each);
    EXPECT_FALSE(each.help.empty() || each.opportunity.empty() || each.one_in == 0);
    EXPECT_TRUE(names.insert(each.name).second);
  }
  EXPECT_EQ(names.size(), kFaultPoints);
  EXPECT_EQ(find_fault("lost_interrupt"), nullptr);
}

TEST(FaultSpec, ARateMayBeWrittenInAnyUsualWay) {
  const auto rate = [](const char* text) { return parse_fault(text)->rate; };
  EXPECT_EQ(rate("io-error=0.25"), 1u << 30);
  EXPECT_EQ(rate("io-error=25%"), 1u << 30);
  EXPECT_EQ(rate("io-error=1/4"), 1u << 30);
  EXPECT_EQ(rate("io-error=1"), std::uint64_t{1} << 32);
  EXPECT_EQ(rate("io-error"), (std::uint64_t{1} << 32) / 100);
  EXPECT_EQ(rate("io-error=1/4294967295"), 1u);
  EXPECT_EQ(parse_fault("io-error=#12")->only, 12u);
  EXPECT_EQ(parse_fault("io-error=0.5@7")->seed, 7u);
  EXPECT_EQ(parse_fault("io-error@7")->seed, 7u);
  EXPECT_EQ(parse_fault("io-error")->seed, std::nullopt);
}

TEST(FaultSpec, WhatMakesNoSenseIsRefusedInOneLine) {
  for (const char* bad : {"", "=", "@", "lost", "LOST-INTERRUPT", "io-error=", "io-error=0", "io-error=-1", "io-error=1.1", "io-error=101%",
                          "io-error=nan", "io-error=inf", "io-error=1/0", "io-error=2/1", "io-error=1/", "io-error=/2", "io-error=%", "io-error=x",
                          "io-error=#", "io-error=#0", "io-error=#-1", "io-error=#x", "io-error@", "io-error@x", "io-error@-1", "io-error=1@2@3",
                          "io-error=1=2", " io-error"}) {
    const auto parsed = parse_fault(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
  }
  EXPECT_THAT(parse_fault("lost").error().message, HasSubstr("there are lost-interrupt, spurious-interrupt"));
  const std::vector<std::string> twice = {"io-error", "io-error=1"};
  EXPECT_THAT(parse_faults(twice).error().message, HasSubstr("twice"));
}

TEST(FaultPlan, WhatIsNotPlannedNeverStrikesAndIsNotCounted) {
  FaultPlan plan(specs({"io-error=1"}), 1, 0, no_trace);
  EXPECT_FALSE(plan.strikes(enospc));
  EXPECT_EQ(plan.count(enospc).opportunities, 0u);
  EXPECT_TRUE(plan.strikes(io_error));
  EXPECT_TRUE(plan.plans_for_file());
  EXPECT_FALSE(plan.plans_for_device());
}

TEST(FaultPlan, TheRateIsKeptAndTheSameSeedIsTheSameCourse) {
  FaultPlan plan(specs({"no-status=0.1"}), 5, 0, no_trace), again(specs({"no-status=0.1"}), 5, 0, no_trace);
  const auto first = course(plan, no_status, 20000);
  EXPECT_EQ(course(again, no_status, 20000), first);
  EXPECT_GT(plan.count(no_status).strikes, 1800u);
  EXPECT_LT(plan.count(no_status).strikes, 2200u);
  EXPECT_EQ(plan.count(no_status).opportunities, 20000u);
  FaultPlan other_seed(specs({"no-status=0.1"}), 6, 0, no_trace), other_stream(specs({"no-status=0.1"}), 5, 1, no_trace);
  EXPECT_NE(course(other_seed, no_status, 20000), first);
  EXPECT_NE(course(other_stream, no_status, 20000), first);
}

TEST(FaultPlan, AFaultsOwnSeedCountsInsteadOfTheMachines) {
  FaultPlan one(specs({"no-status=0.1@3"}), 5, 0, no_trace), two(specs({"no-status=0.1@3"}), 6, 0, no_trace);
  EXPECT_EQ(course(one, no_status, 1000), course(two, no_status, 1000));
}

TEST(FaultPlan, AnotherFaultInThePlanDoesNotShiftTheFirst) {
  FaultPlan alone(specs({"no-status=0.1"}), 5, 0, no_trace), both(specs({"wild-index=0.5", "no-status=0.1"}), 5, 0, no_trace);
  for (int i = 0; i < 1000; ++i) {
    (void)both.strikes(wild_index);
    ASSERT_EQ(alone.strikes(no_status), both.strikes(no_status));
    (void)both.choose(no_status).next();
  }
}

TEST(FaultPlan, ANumberedOpportunityIsTheOnlyOneThatStrikes) {
  FaultPlan plan(specs({"late-dma=#3"}), 1, 0, no_trace);
  EXPECT_EQ(course(plan, late_dma, 5), (std::vector<bool>{false, false, true, false, false}));
}

TEST(FaultPlan, AfterItsEndNothingStrikes) {
  FaultPlan plan(specs({"io-error=1"}), 1, 0, no_trace);
  EXPECT_TRUE(plan.strikes(io_error));
  plan.end();
  EXPECT_FALSE(plan.strikes(io_error));
  EXPECT_EQ(plan.count(io_error).opportunities, 1u);
}

}  // namespace
}  // namespace drydock
