#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct QueueTest : PortForTests {
  std::vector<Request*> with_driver;
  std::vector<Nanoseconds> started_at;
  QueueTest() {
    driver.start = [this](void* srb) {
      with_driver.push_back(&of(srb));
      started_at.push_back(scheduler.now());
    };
  }
  void complete_oldest(std::uint8_t srb_status = SRB_STATUS_SUCCESS, std::uint8_t scsi_status = 0) {
    Request& request = *with_driver.front();
    with_driver.erase(with_driver.begin());
    complete_later(request, srb_status, scsi_status);
    run_for(kMicrosecond);
  }
};

TEST_F(QueueTest, ABusyRequestIsTriedAgainEvery250MillisecondsTwentyTimes) {  // ST-114
  driver.start = [this](void* srb) { started_at.push_back(scheduler.now()), complete(srb, SRB_STATUS_BUSY); };
  ASSERT_TRUE(bring_up());
  const SentForTests& sent = send();
  run_out();
  EXPECT_EQ(sent.completions, 1u);
  EXPECT_EQ(sent.result.srb_status, SRB_STATUS_BUSY);
  ASSERT_EQ(started_at.size(), 21u);
  for (std::size_t i = 1; i < started_at.size(); ++i) {
    EXPECT_GE(started_at[i] - started_at[i - 1], 250 * kMillisecond);
    EXPECT_LT(started_at[i] - started_at[i - 1], 251 * kMillisecond);
  }
}

TEST_F(QueueTest, AScsiBusyPausesItsUnitAndNoOther) {
  ASSERT_TRUE(bring_up());
  send(4096, 0);
  complete_oldest(SRB_STATUS_ERROR, 0x08);
  send(4096, 0);
  EXPECT_EQ(adapter->outstanding(), 0u);
  send(4096, 1);
  EXPECT_EQ(adapter->outstanding(), 1u);
  run_for(250 * kMillisecond);
  EXPECT_EQ(adapter->outstanding(), 3u);
  while (!with_driver.empty()) complete_oldest();
}

TEST_F(QueueTest, TwoUnitsThatAreBusyEachWaitTheirOwnTime) {
  ASSERT_TRUE(bring_up());
  send(4096, 0);
  complete_oldest(SRB_STATUS_BUSY);
  run_for(100 * kMillisecond);
  send(4096, 1);
  complete_oldest(SRB_STATUS_BUSY);
  run_for(160 * kMillisecond);
  ASSERT_EQ(with_driver.size(), 1u);
  EXPECT_EQ(with_driver[0]->unit->lun, 0);
  run_for(100 * kMillisecond);
  EXPECT_EQ(with_driver.size(), 2u);
  while (!with_driver.empty()) complete_oldest();
}

TEST_F(QueueTest, AfterQueueFullAQuarterOfTheOutstandingRequestsIsAwaited) {  // ST-115
  ASSERT_TRUE(bring_up());
  for (int i = 0; i < 9; ++i) send();
  complete_oldest(SRB_STATUS_ERROR, 0x28);  // 8 are left: two to wait for
  send();
  EXPECT_EQ(adapter->outstanding(), 8u);
  complete_oldest();
  EXPECT_EQ(adapter->outstanding(), 7u);
  complete_oldest();
  EXPECT_EQ(adapter->outstanding(), 8u);  // 6, and the two that waited
  while (!with_driver.empty()) complete_oldest();
}

TEST_F(QueueTest, NoMoreThanTheDepthIsOutstandingAndTheRestFollowsInOrder) {
  ASSERT_TRUE(bring_up());
  adapter->unit(0, 0, 0).depth = 2;
  std::vector<Request*> order;
  for (int i = 0; i < 4; ++i) order.push_back(send().request);
  EXPECT_EQ(adapter->outstanding(), 2u);
  for (Request* expected : order) {
    ASSERT_FALSE(with_driver.empty());
    EXPECT_EQ(with_driver.front(), expected);
    complete_oldest();
  }
}

TEST_F(QueueTest, ALimitOfTheAdapterReleasesEveryUnit) {
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.MaxNumberOfIO = 1;
    return ULONG{SP_RETURN_FOUND};
  };
  ASSERT_TRUE(bring_up());
  send(4096, 0);
  const SentForTests& other = send(4096, 1);  // its unit has nothing outstanding of its own that could restart it
  EXPECT_EQ(with_driver.size(), 1u);
  complete_oldest();
  ASSERT_EQ(with_driver.size(), 1u);
  complete_oldest();
  EXPECT_EQ(other.completions, 1u);
}

TEST_F(QueueTest, BusyHoldsEveryUnitUntilThatManyHaveCompleted) {  // ST-112
  ASSERT_TRUE(bring_up());
  for (int i = 0; i < 3; ++i) send(4096, 0);
  adapter->busy(2);
  const SentForTests& other = send(4096, 1);
  EXPECT_EQ(adapter->outstanding(), 3u);
  complete_oldest();
  EXPECT_EQ(adapter->outstanding(), 2u);
  complete_oldest();
  EXPECT_EQ(adapter->outstanding(), 2u);
  EXPECT_EQ(with_driver.back(), other.request);
  while (!with_driver.empty()) complete_oldest();
}

TEST_F(QueueTest, BusyForMoreThanIsOutstandingMeansAllOfThem) {
  ASSERT_TRUE(bring_up());
  send();
  adapter->busy(1000);
  send();
  complete_oldest();
  EXPECT_EQ(adapter->outstanding(), 1u);
  complete_oldest();
  adapter->busy(5);  // nothing is outstanding: nothing to wait for
  send();
  EXPECT_EQ(adapter->outstanding(), 1u);
  complete_oldest();
}

TEST_F(QueueTest, ReadyEndsABusyEarly) {
  ASSERT_TRUE(bring_up());
  send();
  adapter->busy(1);
  send();
  run([&] { adapter->ready(); });
  run_for(kMicrosecond);
  EXPECT_EQ(adapter->outstanding(), 2u);
  adapter->unit_busy(adapter->unit(0, 0, 0), 2);
  send();
  EXPECT_EQ(adapter->outstanding(), 2u);
  run([&] { adapter->unit_ready(adapter->unit(0, 0, 0)); });
  run_for(kMicrosecond);
  EXPECT_EQ(adapter->outstanding(), 3u);
  while (!with_driver.empty()) complete_oldest();
}

TEST_F(QueueTest, APauseHoldsUntilResumedOrItsTimeIsUp) {  // ST-111
  ASSERT_TRUE(bring_up());
  adapter->pause(5 * kSecond);
  const Nanoseconds start = scheduler.now();
  send();
  EXPECT_TRUE(with_driver.empty());
  run_for(6 * kSecond);
  ASSERT_EQ(with_driver.size(), 1u);
  EXPECT_GE(started_at[0] - start, 5 * kSecond);
  EXPECT_LT(started_at[0] - start, 5 * kSecond + kMillisecond);
  complete_oldest();
  adapter->pause(5 * kSecond);
  send();
  run([&] { adapter->resume(); });
  run_for(kMicrosecond);
  EXPECT_EQ(with_driver.size(), 1u);
  complete_oldest();
}

TEST_F(QueueTest, APausedUnitLeavesTheOthersAlone) {
  ASSERT_TRUE(bring_up());
  adapter->pause_unit(adapter->unit(0, 0, 0), kSecond);
  send(4096, 0);
  send(4096, 1);
  ASSERT_EQ(with_driver.size(), 1u);
  EXPECT_EQ(with_driver[0]->unit->lun, 1);
  run_for(2 * kSecond);
  EXPECT_EQ(with_driver.size(), 2u);
  while (!with_driver.empty()) complete_oldest();
}

TEST_F(QueueTest, PauseAndResumeMayBeCalledByAnInterruptRoutine) {
  ASSERT_TRUE(bring_up());
  run([&] {
    const Irql outer = scheduler.raise_irql(kDeviceLevel);
    adapter->pause(kSecond);
    adapter->submit(*make().request);
    adapter->resume();
    EXPECT_TRUE(with_driver.empty());  // not at DIRQL
    scheduler.lower_irql(outer);
  });
  run_for(kMicrosecond);
  EXPECT_EQ(with_driver.size(), 1u);
  complete_oldest();
}

TEST_F(QueueTest, AForgottenUnitIsNotFoundAndItsExtensionIsNew) {
  miniport.data.SpecificLuExtensionSize = 64;
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) { return configure(config), ULONG{SP_RETURN_FOUND}; };
  ASSERT_TRUE(bring_up());
  LogicalUnit& unit = adapter->unit(0, 1, 2);
  ASSERT_NE(unit.extension, nullptr);
  std::memset(unit.extension, 0xEE, 64);
  const std::uint64_t blocks = pool.live_blocks();
  adapter->forget(unit);
  EXPECT_EQ(pool.live_blocks(), blocks - 1);
  EXPECT_EQ(adapter->find_unit(0, 1, 2), nullptr);
  LogicalUnit& next = adapter->unit(0, 1, 3);
  EXPECT_EQ(adapter->find_unit(0, 1, 3), &next);
  EXPECT_EQ(*static_cast<const std::uint64_t*>(next.extension), 0u);
}

TEST_F(QueueTest, CompleteAllCompletesWhatIsInScope) {  // ST-124
  ASSERT_TRUE(bring_up());
  const SentForTests &a = send(4096, 0), &b = send(4096, 1), &c = send(4096, 0);
  run([&] { adapter->complete_all(0, 0, 0, SRB_STATUS_BUS_RESET, {}); });
  run_for(kMicrosecond);
  EXPECT_EQ(a.result.srb_status, SRB_STATUS_BUS_RESET);
  EXPECT_EQ(c.completions, 1u);
  EXPECT_EQ(b.completions, 0u);
  run([&] { adapter->complete_all(0, SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_BUS_RESET, {}); });
  run_for(kMicrosecond);
  EXPECT_EQ(b.completions, 1u);
}

TEST(QueueTags, EachIsGivenOnceAndTheLastIsUntagged) {
  QueueTags tags;
  for (unsigned i = 0; i < kTaggedDepthMax; ++i) EXPECT_EQ(tags.take(), i);
  EXPECT_EQ(tags.take(), SP_UNTAGGED);
  tags.give_back(100);
  EXPECT_EQ(tags.take(), 100);
}

TEST_F(QueueTest, AfterAResetOfTheBusNothingIsStartedForTheHoldTime) {  // ST-23 ST-120
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.BusResetHoldTime = 2'000'000;
    return ULONG{SP_RETURN_FOUND};
  };
  ASSERT_TRUE(bring_up());
  unsigned starts = 0;
  driver.start = [&](void* srb) { ++starts, complete(srb); };
  adapter->reset_detected();
  const SentForTests& sent = send();
  run_for(kSecond);
  EXPECT_EQ(starts, 0u);
  run_for(2 * kSecond);
  EXPECT_EQ(starts, 1u);
  EXPECT_EQ(sent.completions, 1u);
}

TEST_F(QueueTest, LinkUpEndsWhatLinkDownBeganAndNoPause) {  // ST-120
  ASSERT_TRUE(bring_up());
  unsigned starts = 0;
  driver.start = [&](void* srb) { ++starts, complete(srb); };
  run([&] { adapter->link_down(); });
  send();
  run_for(kSecond);
  EXPECT_EQ(starts, 0u);
  run([&] { adapter->link_up(); });
  run_for(kMillisecond);
  EXPECT_EQ(starts, 1u);
  run([&] { adapter->pause(5 * kSecond), adapter->link_up(); });
  send();
  run_for(kSecond);
  EXPECT_EQ(starts, 1u);
}

TEST_F(QueueTest, RequestsOfAUnitThatIsGoneFailAndWhatTheMiniportHasIsItsToComplete) {
  ASSERT_TRUE(bring_up());
  std::vector<void*> taken;
  driver.start = [&](void* srb) { taken.push_back(srb); };
  LogicalUnit& unit = adapter->unit(0, 0, 0);
  unit.depth = 1;
  const SentForTests& started = send();
  const SentForTests& waiting = send();
  run([&] { adapter->remove_unit(unit); });
  EXPECT_EQ(waiting.result.srb_status, SRB_STATUS_NO_DEVICE);
  EXPECT_EQ(started.completions, 0u);
  EXPECT_EQ(adapter->find_unit(0, 0, 0), &unit) << "the miniport may still ask for its extension";
  SentForTests& late = make();
  EXPECT_NE(late.request->unit, &unit) << "another unit has the address now";
  late.request->unit = &unit;
  submit(late);
  EXPECT_EQ(late.result.srb_status, SRB_STATUS_NO_DEVICE);
  complete_later(of(taken.at(0)), SRB_STATUS_BUSY);
  run_out();
  EXPECT_EQ(started.completions, 1u) << "not retried on a unit that is gone";
  EXPECT_EQ(taken.size(), 1u);
}

struct DepthTest : QueueTest {
  void bring_up_with(std::uint32_t ios_per_unit, bool storage_srb) {
    miniport.data.SrbTypeFlags = storage_srb ? SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK : 0;
    driver.find = [ios_per_unit](PORT_CONFIGURATION_INFORMATION& config) {
      configure(config);
      config.MaxIOsPerLun = ios_per_unit;
      return ULONG{SP_RETURN_FOUND};
    };
    ASSERT_TRUE(bring_up());
  }
  std::uint32_t deepest() {
    LogicalUnit& unit = adapter->unit(0, 0, 0);
    for (std::uint32_t depth = 1100; depth != 0; --depth)
      if (adapter->set_queue_depth(unit, depth)) return unit.depth == depth ? depth : 0;
    return 0;
  }
};

TEST_F(DepthTest, TheDepthOfAUnitIsLimitedByMaxIOsPerLun) {  // ST-22 ST-113
  bring_up_with(100, true);
  EXPECT_EQ(deepest(), 100u);
  EXPECT_FALSE(adapter->set_queue_depth(adapter->unit(0, 0, 0), 0));
}

TEST_F(DepthTest, ExtendedRequestsMayBeMoreThanThereAreTags) {
  bring_up_with(600, true);
  EXPECT_EQ(deepest(), 600u);
}

TEST_F(DepthTest, RequestsOfTheOldFormAreAtMostAsManyAsThereAreTags) {  // H-24
  bring_up_with(255, false);
  EXPECT_EQ(deepest(), 254u);
}

}  // namespace
}  // namespace drydock::storport
