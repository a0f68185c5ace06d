#include "port/storport/waiting.h"

#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct WaitingTest : PortForTests {
  WaitingTest() : PortForTests(2) { instance = this; }
  void SetUp() override {
    ASSERT_TRUE(bring_up());
    event = static_cast<STOR_EVENT*>(pool.allocate(sizeof(STOR_EVENT), PoolKind::nonpaged, 1));
  }
  ~WaitingTest() override { (void)pool.free(event); }
  Waiting& waiting() { return adapter->waiting(); }
  void initialize(STOR_EVENT_TYPE type, bool signalled = false) { waiting().initialize_event(event, *event, type, signalled); }
  static MSABI void on_thread(PVOID context) {
    instance->body();
    if (context != nullptr) instance->waiting().end_thread(nullptr), instance->came_back = true;
  }
  STOR_EVENT* event = nullptr;
  std::function<void()> body = [] {};
  bool came_back = false;
  inline static WaitingTest* instance = nullptr;
};

TEST_F(WaitingTest, ANotificationEventStaysSignalledAndASynchronizationEventLetsOneGo) {  // ST-194
  run([&] {
    for (const bool resets : {false, true}) {
      initialize(resets ? StorSynchronizationEvent : StorNotificationEvent);
      EXPECT_EQ(waiting().wait(event, Nanoseconds{0}), Waited::timed_out);
      EXPECT_TRUE(waiting().set_event(event));
      EXPECT_EQ(event->Header.SignalState, 1);
      EXPECT_EQ(waiting().wait(event, std::nullopt), Waited::signalled);
      EXPECT_EQ(event->Header.SignalState, resets ? 0 : 1);
    }
    STOR_EVENT unknown{};
    EXPECT_FALSE(waiting().set_event(&unknown));
    EXPECT_EQ(waiting().wait(&unknown, std::nullopt), Waited::unknown);
  });
}

TEST_F(WaitingTest, AWaitEndsWithTheSignalOrWithTheTime) {
  initialize(StorSynchronizationEvent);
  Nanoseconds signalled_at = 0, timed_out_at = 0;
  body = [&] {
    EXPECT_EQ(waiting().wait(event, kSecond), Waited::signalled);
    signalled_at = scheduler.now();
    EXPECT_EQ(waiting().wait(event, kSecond), Waited::timed_out);
    timed_out_at = scheduler.now();
  };
  EXPECT_NE(waiting().create_thread(&on_thread, nullptr, {}), nullptr);
  run_for(10 * kMillisecond);
  run([&] { waiting().set_event(event); });
  run_out();
  EXPECT_LT(signalled_at, 20 * kMillisecond);
  EXPECT_GE(timed_out_at, signalled_at + kSecond);
}

TEST_F(WaitingTest, AThreadEndsByReturningOrByEndingItselfAndWhoWaitsForItGoesOn) {
  void* handles[2] = {waiting().create_thread(&on_thread, nullptr, {}), waiting().create_thread(&on_thread, this, {})};
  EXPECT_EQ(waiting().create_thread(&on_thread, nullptr, {}), nullptr) << "no more than there are processors";
  run([&] {
    for (void* handle : handles) EXPECT_EQ(waiting().wait(handle, std::nullopt), Waited::signalled);
  });
  EXPECT_FALSE(came_back);
  EXPECT_TRUE(broken.empty());
  EXPECT_NE(waiting().create_thread(&on_thread, nullptr, {}), nullptr);
  run_out();
}

TEST_F(WaitingTest, OnlyAThreadOfTheAdapterEndsItself) {
  run([&] { EXPECT_FALSE(waiting().end_thread(nullptr)); });
}

TEST_F(WaitingTest, AThreadThatNeverEndsIsReported) {
  initialize(StorNotificationEvent);
  body = [&] { waiting().wait(event, std::nullopt); };
  waiting().create_thread(&on_thread, nullptr, {});
  run_out();
  take_down();
  EXPECT_EQ(findings("ST-194"), 1u);
}

}  // namespace
}  // namespace drydock::storport
