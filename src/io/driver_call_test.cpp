#include "io/driver_call.h"

#include <gtest/gtest.h>

#include <functional>

#include "sched/driving_thread.h"

namespace drydock {
namespace {

struct DriverCallTest : testing::Test, TraceObserver {
  struct Hooks final : MachineHooks {
    void trap(TrapFrame&) override {}
  };
  struct Job final : Task {
    explicit Job(std::function<void()> what) : body(std::move(what)) {}
    void run() override { body(), done = true; }
    std::function<void()> body;
    bool done = false;
  };
  DriverCallTest() {
    trace.add(*this, false);
    instance = this;
  }
  void observe(const TraceEvent& event) override {
    if (const auto* rule = std::get_if<RuleBroken>(&event)) rules.push_back(std::string(rule->rule));
  }
  /// Calls a routine of the driver that does what `body` says, at an IRQL.
  void enter(DriverCall& call, Irql irql, std::function<void()> body) {
    routine = std::move(body);
    Job job([&] {
      scheduler.raise_irql(irql);
      EXPECT_EQ(call("HwSomething", EntryKind::routine, &entered, ULONG{21}), 42u);
      EXPECT_EQ(call.frame(), nullptr);
      EXPECT_EQ(scheduler.irql(), irql);
      scheduler.lower_irql(kPassiveLevel);
    });
    scheduler.queue_task(job, 0);
    ASSERT_EQ(scheduler.drive(job.done), Driven::done);
  }
  using ULONG = std::uint32_t;
  static MSABI ULONG entered(ULONG value) { return instance->routine(), value * 2; }
  static MSABI void entered_inner() { instance->inner_routine(); }
  inline static DriverCallTest* instance = nullptr;
  Hooks hooks;
  Scheduler scheduler{hooks, 1, 1};
  DrivingThread driving{hooks};
  Trace trace;
  DriverCall checked{scheduler, trace, CheckLevel::standard}, unchecked{scheduler, trace, CheckLevel::off};
  std::function<void()> routine, inner_routine;
  std::vector<std::string> rules;
};

TEST_F(DriverCallTest, ARoutineThatReturnsAtAnotherIrqlIsAFindingAndTheLevelIsPutBack) {  // VER-86
  enter(checked, kDispatchLevel, [&] { scheduler.raise_irql(kDeviceLevel); });
  enter(checked, kDispatchLevel, [&] { scheduler.lower_irql(kPassiveLevel); });
  EXPECT_EQ(rules, (std::vector<std::string>{"VER-86", "VER-86"}));
}

TEST_F(DriverCallTest, ARoutineThatKeepsALockIsAFinding) {  // VER-88
  enter(checked, kPassiveLevel, [&] { ++checked.frame()->locks_held; });
  EXPECT_EQ(rules, std::vector<std::string>{"VER-88"});
}

TEST_F(DriverCallTest, ACallWithinACallHasBooksOfItsOwn) {
  enter(checked, kPassiveLevel, [&] {
    CallFrame* outer = checked.frame();
    EXPECT_EQ(outer->routine, "HwSomething");
    ++outer->locks_held;
    inner_routine = [this, outer] {
      EXPECT_NE(checked.frame(), outer);
      EXPECT_EQ(checked.frame()->outer, outer);
      EXPECT_EQ(checked.frame()->locks_held, 0u);
    };
    checked("HwInner", EntryKind::routine, &entered_inner);
    EXPECT_EQ(checked.frame(), outer);
    --outer->locks_held;
  });
  EXPECT_TRUE(rules.empty());
}

TEST_F(DriverCallTest, WithChecksOffNothingIsSaidAndNoBooksAreKept) {
  enter(unchecked, kPassiveLevel, [&] { EXPECT_EQ(unchecked.frame(), nullptr); });
  EXPECT_TRUE(rules.empty());
}

}  // namespace
}  // namespace drydock
