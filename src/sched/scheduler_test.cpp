#include "sched/scheduler.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "sched/driving_thread.h"
#include "sched/spin_lock.h"

namespace drydock {
namespace {

struct Hooks final : MachineHooks {
  void trap(TrapFrame&) override {}
};

struct Job final : Task {
  explicit Job(std::function<void()> what) : body(std::move(what)) {}
  void run() override { body(); }
  std::function<void()> body;
};
struct Interrupt final : InterruptSource {
  Interrupt(unsigned cpu, std::function<void()> what) : InterruptSource(cpu), body(std::move(what)) {}
  void service() override { body(); }
  std::function<void()> body;
};
struct Deferred final : Dpc {
  explicit Deferred(std::function<void()> what) : body(std::move(what)) {}
  void run() override { body(); }
  std::function<void()> body;
};
struct Later final : Event {
  explicit Later(std::function<void()> what) : body(std::move(what)) {}
  ~Later() override = default;
  void fire() override { body(); }
  std::function<void()> body;
};

struct SchedulerTest : testing::Test {
  Hooks hooks;
  Scheduler scheduler{hooks, 2, 42};
  DrivingThread driving{hooks};
  std::string log;
};

TEST_F(SchedulerTest, AnInterruptIsTakenAtTheNextPointAndItsDpcOnlyBelowDispatch) {
  bool done = false;
  Deferred dpc([&] { log += 'd'; EXPECT_EQ(scheduler.irql(), kDispatchLevel); });
  Interrupt interrupt(0, [&] { log += 'i'; EXPECT_EQ(scheduler.irql(), kDeviceLevel); scheduler.queue_dpc(dpc, 0); });
  Job job([&] {
    const Irql old = scheduler.raise_irql(kDispatchLevel);
    scheduler.raise_interrupt(interrupt);
    scheduler.point(PointCost::routine);
    log += 'x';
    scheduler.lower_irql(old);
    log += 'y';
    done = true;
  });
  scheduler.queue_task(job, 0);
  EXPECT_EQ(scheduler.drive(done), Driven::done);
  EXPECT_EQ(log, "ixdy");
}

TEST_F(SchedulerTest, NothingInterruptsDeviceLevel) {
  bool done = false;
  Interrupt interrupt(0, [&] { log += 'i'; });
  Job job([&] {
    const Irql old = scheduler.raise_irql(kDeviceLevel);
    scheduler.raise_interrupt(interrupt);
    scheduler.stall(kMicrosecond);
    log += 'x';
    scheduler.lower_irql(old);
    done = true;
  });
  scheduler.queue_task(job, 0);
  scheduler.drive(done);
  EXPECT_EQ(log, "xi");
}

TEST_F(SchedulerTest, TimeStandsStillWithoutWorkAndJumpsWhenEveryoneWaits) {
  bool done = false;
  Job job([&] { scheduler.sleep(60 * kSecond); done = true; });
  scheduler.queue_task(job, 1);
  EXPECT_EQ(scheduler.drive(done), Driven::done);
  EXPECT_GE(scheduler.now(), 60 * kSecond);
  const Nanoseconds before = scheduler.now();
  bool never = false;
  EXPECT_EQ(scheduler.drive(never), Driven::stuck);
  EXPECT_EQ(scheduler.now(), before);
}

TEST_F(SchedulerTest, AStallLetsDevicesAndTheOtherCpuWork) {
  bool done = false, other = false;
  Later device([&] { log += 'e'; });
  scheduler.timeline().schedule(device, 5 * kMicrosecond);
  Job second([&] { other = true; });
  Job first([&] { scheduler.stall(10 * kMicrosecond); log += 's'; done = true; });
  scheduler.queue_task(first, 0);
  scheduler.queue_task(second, 1);
  scheduler.drive(done);
  EXPECT_EQ(log, "es");
  while (!other) scheduler.drive(other);
}

TEST_F(SchedulerTest, ALockHeldByTheOtherCpuIsWaitedFor) {
  SpinLock lock;
  bool first_done = false, second_done = false;
  Job holder([&] {
    ASSERT_EQ(lock.acquire(scheduler), SpinLock::Acquired::yes);
    for (int i = 0; i < 100; ++i) scheduler.point(PointCost::routine);
    log += 'r';
    lock.release();
    first_done = true;
  });
  Job waiter([&] {
    while (!lock.held() && !first_done) scheduler.spin();
    ASSERT_EQ(lock.acquire(scheduler), SpinLock::Acquired::yes);
    log += 'a';
    EXPECT_EQ(lock.acquire(scheduler), SpinLock::Acquired::recursive);
    lock.release();
    second_done = true;
  });
  scheduler.queue_task(holder, 0);
  scheduler.queue_task(waiter, 1);
  scheduler.drive(second_done);
  scheduler.drive(first_done);
  EXPECT_EQ(log, "ra");
}

TEST_F(SchedulerTest, ALockThatIsNeverReleasedIsTakenOverAfterTwentySeconds) {
  SpinLock lock;
  bool done = false;
  Job holder([&] {  // runs for ever, with the lock
    ASSERT_EQ(lock.acquire(scheduler), SpinLock::Acquired::yes);
    while (!done) scheduler.point(PointCost::routine);
  });
  Job waiter([&] {
    while (!lock.held()) scheduler.spin();
    EXPECT_EQ(lock.acquire(scheduler), SpinLock::Acquired::endless);
    EXPECT_TRUE(lock.held_by(scheduler.cpu()));
    done = true;
  });
  scheduler.queue_task(holder, 0);
  scheduler.queue_task(waiter, 1);
  scheduler.drive(done);
  EXPECT_GE(scheduler.now(), 20 * kSecond);
  EXPECT_LT(scheduler.now(), 40 * kSecond);
}

TEST_F(SchedulerTest, ThreadsOfOneCpuShareItWhileTheyWaitBusily) {
  bool flag = false, done = false;
  Job waiter([&] {
    for (int i = 0; i < 1'000'000 && !flag; ++i) scheduler.poll();
    log += flag ? 'w' : '-';
    done = true;
  });
  Job setter([&] { log += 's'; flag = true; });
  scheduler.queue_task(waiter, 0);
  scheduler.queue_task(setter, 0);
  scheduler.drive(done);
  EXPECT_EQ(log, "sw");
}

TEST_F(SchedulerTest, AThreadAtDispatchLevelSharesItsCpuWithNobody) {
  bool flag = false, done = false;
  Job waiter([&] {
    const Irql old = scheduler.raise_irql(kDispatchLevel);
    for (int i = 0; i < 20'000; ++i) scheduler.poll();
    EXPECT_FALSE(flag);
    scheduler.lower_irql(old);
  });
  Job setter([&] { flag = done = true; });
  scheduler.queue_task(waiter, 0);
  scheduler.queue_task(setter, 0);
  scheduler.drive(done);
  EXPECT_TRUE(flag);
}

TEST_F(SchedulerTest, ABusyWaitForSecondsTakesFewReads) {
  bool done = false;
  std::uint64_t reads = 0;
  Job waiter([&] {
    for (const Nanoseconds start = scheduler.now(); scheduler.now() < start + 5 * kSecond; ++reads) scheduler.poll();
    done = true;
  });
  scheduler.queue_task(waiter, 0);
  scheduler.drive(done);
  EXPECT_GT(reads, 100'000u);
  EXPECT_LT(reads, 500'000u);
}

TEST_F(SchedulerTest, ALevelIsServedUntilItIsReleased) {
  bool done = false;
  int served = 0;
  Interrupt line(1, [&] { if (++served == 3) { line.asserted = false; done = true; } });
  line.asserted = true;
  scheduler.raise_interrupt(line);
  scheduler.drive(done);
  EXPECT_EQ(served, 3);
}

std::string interleaving(std::uint64_t seed) {
  Hooks hooks;
  Scheduler scheduler(hooks, 2, seed);
  DrivingThread driving(hooks);
  std::string log;
  int left = 2;
  bool done = false;
  std::vector<std::unique_ptr<Job>> jobs;
  for (unsigned cpu = 0; cpu < 2; ++cpu) {
    jobs.push_back(std::make_unique<Job>([&, cpu] {
      for (int i = 0; i < 200; ++i) { log += static_cast<char>('0' + cpu); scheduler.point(PointCost::routine); }
      done = --left == 0;
    }));
    scheduler.queue_task(*jobs.back(), cpu);
  }
  scheduler.drive(done);
  return log;
}

TEST(SchedulerSeed, TheSeedAndOnlyTheSeedDecidesWhichCpuGoesOn) {
  EXPECT_EQ(interleaving(1), interleaving(1));
  EXPECT_NE(interleaving(1), interleaving(2));
}

TEST_F(SchedulerTest, ALocalOfAWaitingThreadIsOnAStackOfTheMachineAndAHostVariableIsNot) {
  bool done = false;
  int host = 0;
  const void* local = nullptr;
  Job waiter([&] {
    int mine = 0;
    local = &mine;
    scheduler.sleep(kSecond);
    done = mine == 0;
  });
  scheduler.queue_task(waiter, 0);
  bool never = false;
  while (local == nullptr) scheduler.drive(never);
  const auto at = [](const void* p) { return reinterpret_cast<std::uint64_t>(p); };
  EXPECT_TRUE(scheduler.on_any_stack(at(local), sizeof(int)));
  EXPECT_FALSE(scheduler.on_any_stack(at(&host), sizeof host));
  EXPECT_FALSE(scheduler.on_any_stack(at(local), kFiberStackSize));
}

TEST_F(SchedulerTest, AHaltedMachineNeverGoesOn) {
  bool done = false;
  Job job([&] { scheduler.halt(); });
  scheduler.queue_task(job, 0);
  EXPECT_EQ(scheduler.drive(done), Driven::halted);
  EXPECT_EQ(scheduler.drive(done), Driven::halted);
}

}  // namespace
}  // namespace drydock
