#include "port/storport/deferred.h"

#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct DeferredTest : PortForTests {
  struct Seen {
    void *first, *second;
    Irql irql;
    Nanoseconds at;
    unsigned cpu;
  };
  std::vector<Seen> seen;
  std::function<void()> in_callback = [] {};
  STOR_DPC dpc{};
  struct Watcher final : BusWatcher {
    void bus_changed(Adapter&, const BusScope& scope) override { looks.push_back(scope), meanwhile(); }
    std::vector<BusScope> looks;
    std::function<void()> meanwhile = [] {};
  } watcher;
  inline static DeferredTest* instance = nullptr;

  explicit DeferredTest(unsigned cpus = 1) : PortForTests(cpus) { instance = this; }
  void SetUp() override { ASSERT_TRUE(bring_up()); }
  DeferredWork& work() { return adapter->deferred(); }
  void note(void* first, void* second) {
    seen.push_back({first, second, scheduler.irql(), scheduler.now(), scheduler.cpu().index});
    in_callback();
  }
  static MSABI VOID on_dpc(PSTOR_DPC, PVOID, PVOID first, PVOID second) { instance->note(first, second); }
  static MSABI void on_timer(PVOID, PVOID context) { instance->note(context, nullptr); }
  static MSABI void on_adapter_timer(PVOID) { instance->note(nullptr, nullptr); }
  static MSABI void on_work(PVOID, PVOID context, PVOID worker) { instance->note(context, worker); }
  static MSABI void on_state(PVOID, PVOID context, SHORT, PVOID address, ULONG) { instance->note(context, address); }
};

TEST_F(DeferredTest, ADpcQueuesOnceAndKeepsTheArgumentsOfTheFirstIssue) {  // ST-94
  run([&] {
    scheduler.raise_irql(kDispatchLevel);
    work().initialize_dpc(&dpc, &on_dpc);
    EXPECT_EQ(work().issue_dpc(&dpc, &dpc, nullptr), true);
    EXPECT_EQ(work().issue_dpc(&dpc, nullptr, nullptr), false);
    EXPECT_TRUE(seen.empty());
    scheduler.lower_irql(kPassiveLevel);
  });
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].first, &dpc);
  EXPECT_EQ(seen[0].irql, kDispatchLevel);
  STOR_DPC unknown{};
  EXPECT_EQ(work().issue_dpc(&unknown, nullptr, nullptr), std::nullopt);
}

TEST_F(DeferredTest, ACancelledDpcDoesNotRun) {  // ST-95
  run([&] {
    scheduler.raise_irql(kDispatchLevel);
    work().initialize_dpc(&dpc, &on_dpc);
    work().issue_dpc(&dpc, nullptr, nullptr);
    EXPECT_EQ(work().cancel_dpc(&dpc), true);
    EXPECT_EQ(work().cancel_dpc(&dpc), false);
    scheduler.lower_irql(kPassiveLevel);
  });
  EXPECT_TRUE(seen.empty());
}

TEST_F(DeferredTest, ATimerFiresOnceAtDispatchLevelAndIsBusyMeanwhile) {  // ST-96
  void* timer = work().initialize_timer();
  const Nanoseconds start = scheduler.now();
  EXPECT_EQ(work().request_timer(timer, &on_timer, this, 20'000), DeferredStatus::ok);
  EXPECT_EQ(work().request_timer(timer, &on_timer, this, 20'000), DeferredStatus::busy);
  run_out();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].irql, kDispatchLevel);
  EXPECT_GE(seen[0].at - start, 20 * kMillisecond);
  EXPECT_EQ(work().request_timer(timer, &on_timer, this, 20'000), DeferredStatus::ok);
  EXPECT_EQ(work().request_timer(timer, &on_timer, this, 0), DeferredStatus::ok);  // cancels
  run_out();
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(work().free_timer(timer), DeferredStatus::ok);
  EXPECT_EQ(work().free_timer(timer), DeferredStatus::unknown);
}

TEST_F(DeferredTest, ATimerMayBeFreedByItsOwnRoutine) {
  void* timer = work().initialize_timer();
  in_callback = [&] { EXPECT_EQ(work().free_timer(timer), DeferredStatus::ok); };
  work().request_timer(timer, &on_timer, nullptr, 10);
  run_out();
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_TRUE(work().leaks().empty());
}

TEST_F(DeferredTest, AWorkItemRunsAtPassiveLevelAndIsBusyWhileQueued) {  // ST-98
  void* worker = work().initialize_worker();
  EXPECT_EQ(work().queue_worker(worker, &on_work, this), DeferredStatus::ok);
  EXPECT_EQ(work().queue_worker(worker, &on_work, this), DeferredStatus::busy);
  EXPECT_EQ(work().free_worker(worker), DeferredStatus::busy);
  in_callback = [&] { EXPECT_EQ(work().free_worker(worker), DeferredStatus::ok); };
  run_out();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].irql, kPassiveLevel);
  EXPECT_EQ(seen[0].second, worker);
}

TEST_F(DeferredTest, AStateChangeIsToldUnderTheStartIoLockOneAtATime) {  // ST-125
  in_callback = [&] {
    STOR_LOCK_HANDLE handle{};
    adapter->acquire(StartIoLock, nullptr, handle, {});
    adapter->release_lock(handle, {});
  };
  EXPECT_TRUE(work().state_changed(&on_state, this, nullptr, {}));
  EXPECT_FALSE(work().state_changed(&on_state, this, nullptr, {}));
  run_out();
  EXPECT_TRUE(seen.empty()) << "nobody has looked yet";
  adapter->rescan().watch(watcher);
  run_out();
  EXPECT_EQ(watcher.looks.size(), 1u);
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(found_held(), 1u);
  EXPECT_TRUE(work().state_changed(&on_state, this, nullptr, {}));
  run_out();
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(DeferredTest, AStateChangeWithoutACallbackIsOverWhenItHasBeenLookedAt) {  // ST-125
  adapter->rescan().watch(watcher);
  EXPECT_TRUE(work().state_changed(nullptr, nullptr, nullptr, {BusScope::Of::unit, 0, 0, 3}));
  EXPECT_FALSE(work().state_changed(nullptr, nullptr, nullptr, {}));
  run_out();
  ASSERT_EQ(watcher.looks.size(), 1u);
  EXPECT_TRUE(watcher.looks[0].covers(0, 0, 3));
  EXPECT_FALSE(watcher.looks[0].covers(0, 0, 2));
  EXPECT_TRUE(work().state_changed(nullptr, nullptr, nullptr, {}));
  run_out();
}

TEST_F(DeferredTest, WhatIsToldWhileSomebodyLooksIsLookedAtNextAndTheSameOnlyOnce) {  // ST-120
  watcher.meanwhile = [&] {
    for (int i = 0; i < 3 && watcher.looks.size() == 1; ++i) adapter->rescan().ask({});
  };
  adapter->rescan().watch(watcher);
  adapter->rescan().ask({});
  run_out();
  EXPECT_EQ(watcher.looks.size(), 2u);
  run([&] { adapter->rescan().end(); });
  adapter->rescan().ask({});
  run_out();
  EXPECT_EQ(watcher.looks.size(), 2u);
}

TEST_F(DeferredTest, TheAdaptersTimerIsMovedAndCancelled) {  // ST-96 RequestTimerCall
  const PHW_TIMER timer = &on_adapter_timer;
  adapter->request_timer(timer, 1000);
  adapter->request_timer(timer, 5000);
  run_for(4 * kMillisecond);
  EXPECT_TRUE(seen.empty());
  run_for(2 * kMillisecond);
  EXPECT_EQ(seen.size(), 1u);
  adapter->request_timer(timer, 1000);
  adapter->request_timer(timer, 0);
  run_out();
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(DeferredTest, NothingIsCalledAfterRemovalAndWhatWasKeptIsReported) {
  void* timer = work().initialize_timer();
  work().initialize_worker();
  work().request_timer(timer, &on_timer, nullptr, 100);
  take_down();
  run_out();
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(findings("ST-96"), 2u);
}

struct TwoCpuDeferredTest : DeferredTest {
  TwoCpuDeferredTest() : DeferredTest(2) {}
};

TEST_F(TwoCpuDeferredTest, ADpcNeverRunsBesideItself) {  // ST-94
  run([&] { work().initialize_dpc(&dpc, &on_dpc); });
  unsigned inside = 0, most = 0;
  bool issued_inside = false;
  in_callback = [&] {
    most = std::max(most, ++inside);
    if (!issued_inside) {
      issued_inside = true;
      Job other([&] { EXPECT_EQ(work().issue_dpc(&dpc, nullptr, nullptr), true); });
      scheduler.queue_task(other, 1);
      for (int i = 0; i < 100; ++i) scheduler.spin();  // the other CPU issues it, and could run it
      EXPECT_TRUE(other.done);
    }
    --inside;
  };
  run([&] { work().issue_dpc(&dpc, nullptr, nullptr); });
  run_out();
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(most, 1u);
  EXPECT_EQ(seen[1].cpu, seen[0].cpu);
}

}  // namespace
}  // namespace drydock::storport
