#include "io/dispatcher.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "sched/driving_thread.h"
#include "sched/machine_for_tests.h"

namespace drydock {
namespace {

TEST(Dispatcher, AnObjectKnowsWhatItIs) {
  KEVENT event{};
  const auto address = reinterpret_cast<std::uint64_t>(&event);
  EXPECT_FALSE(Dispatcher::is_initialized(event.Header, address));
  Dispatcher::initialize(event.Header, address, DispatcherKind::synchronization_event, sizeof event, 1);
  EXPECT_TRUE(Dispatcher::is_initialized(event.Header, address));
  EXPECT_FALSE(Dispatcher::is_initialized(event.Header, address + 64));
  EXPECT_EQ(Dispatcher::kind_of(event.Header), DispatcherKind::synchronization_event);
  EXPECT_EQ(event.Header.SignalState, 1);
}

TEST(Dispatcher, TimesAreRelativeOrAbsoluteOrGoneBy) {
  constexpr std::uint64_t now = 1'000'000;
  EXPECT_EQ(time_until(-50, now), 5'000u);
  EXPECT_EQ(time_until(0, now), 0u);
  EXPECT_EQ(time_until(static_cast<LONGLONG>(now) + 7, now), 700u);
  EXPECT_EQ(time_until(1, now), 0u);
}

/// Runs a body on a system thread of a scheduler; what is left to do is done first.
struct OneThread final : Task {
  explicit OneThread(std::function<void()> b) : body(std::move(b)) {}
  void run() override {
    body();
    done = true;
  }
  std::function<void()> body;
  bool done = false;
};

class Waits : public testing::Test {
 protected:
  Waits() {
    Dispatcher::initialize(event_.Header, reinterpret_cast<std::uint64_t>(&event_), DispatcherKind::synchronization_event, sizeof event_, 0);
  }
  Driven run(OneThread& thread) {
    DrivingThread driving(machine_);
    scheduler_.queue_task(thread, 0);
    return scheduler_.drive(thread.done);
  }
  Waited wait(std::optional<Nanoseconds> time, bool urgent) {
    DISPATCHER_HEADER* const object = &event_.Header;
    return dispatcher_.wait({&object, 1}, false, time, urgent, {"a wait", {}});
  }
  MachineForTests machine_;
  Scheduler scheduler_{machine_, 1, 1};
  Dispatcher dispatcher_{scheduler_};
  KEVENT event_{};
};

TEST_F(Waits, AWaitForTooLongIsHopeless) {
  WaitEnd end{};
  OneThread thread([&] { end = wait(std::nullopt, true).end; });
  EXPECT_EQ(run(thread), Driven::done);
  EXPECT_EQ(end, WaitEnd::hopeless);
  EXPECT_EQ(scheduler_.now() / kSecond, Dispatcher::kPatience / kSecond);
}

TEST_F(Waits, AThreadThatNobodyNeedsWaitsForEverAndCanBeGivenUp) {
  WaitEnd end{};
  OneThread thread([&] { end = wait(std::nullopt, false).end; });
  EXPECT_EQ(run(thread), Driven::stuck);
  EXPECT_TRUE(dispatcher_.awaited(&event_, sizeof event_));
  const Thread* waiting = scheduler_.thread_of_task(thread);
  ASSERT_NE(waiting, nullptr);
  EXPECT_EQ(dispatcher_.wait_of(*waiting)->routine, "a wait");
  EXPECT_TRUE(dispatcher_.give_up(*waiting));
  DrivingThread driving(machine_);
  EXPECT_EQ(scheduler_.drive(thread.done), Driven::done);
  EXPECT_EQ(end, WaitEnd::hopeless);
  EXPECT_FALSE(dispatcher_.awaited(&event_, sizeof event_));
}

TEST_F(Waits, AnEventLetsGoInTheOrderOfTheWaits) {
  std::string order;
  OneThread first([&] { wait(std::nullopt, false), order += "1"; });
  OneThread second([&] { wait(std::nullopt, false), order += "2"; });
  EXPECT_EQ(run(first), Driven::stuck);
  EXPECT_EQ(run(second), Driven::stuck);
  EXPECT_EQ(dispatcher_.set_event(event_), 0);
  EXPECT_EQ(dispatcher_.set_event(event_), 0);  // the first signal was taken at once
  DrivingThread driving(machine_);
  EXPECT_EQ(scheduler_.drive(second.done), Driven::done);
  EXPECT_EQ(order, "12");
}

}  // namespace
}  // namespace drydock
