#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct RecoveryTest : PortForTests {
  struct Step {
    char what;  // r read, l reset unit, d reset device, b reset bus
    Nanoseconds at;
  };
  std::vector<Step> steps;
  std::vector<Request*> lost;
  bool answer_resets = true;
  RecoveryTest() {
    driver.start = [this](void* srb) {
      Request& request = of(srb);
      switch (request.srb.function()) {
        case SRB_FUNCTION_RESET_LOGICAL_UNIT: note('l'); break;
        case SRB_FUNCTION_RESET_DEVICE: note('d'); break;
        default: note('r'), lost.push_back(&request); return;
      }
      if (answer_resets) complete(srb);
    };
    driver.reset_bus = [this](ULONG) { note('b'); };
  }
  void note(char what) { steps.push_back({what, scheduler.now()}); }
  std::string order() const {
    std::string text;
    for (const Step& step : steps) text += step.what;
    return text;
  }
};

TEST_F(RecoveryTest, ALostRequestIsResetInEverWiderCirclesAndThenGivenUp) {  // ST-160
  ASSERT_TRUE(bring_up());
  const SentForTests& sent = send();
  run_out();
  EXPECT_EQ(order(), "rldb");
  EXPECT_GE(steps[1].at - steps[0].at, 10 * kSecond);
  EXPECT_LT(steps[1].at - steps[0].at, 11 * kSecond);
  EXPECT_GE(steps[3].at - steps[2].at, 10 * kSecond);
  EXPECT_EQ(sent.completions, 1u);
  EXPECT_EQ(sent.result.srb_status, SRB_STATUS_TIMEOUT);
  EXPECT_EQ(findings("ST-161"), 1u);
  EXPECT_EQ(adapter->outstanding(), 0u);
}

TEST_F(RecoveryTest, ARequestThatAResetCompletesGoesNoFurther) {
  driver.start = [this](void* srb) {
    note(of(srb).srb.function() == SRB_FUNCTION_EXECUTE_SCSI ? 'r' : 'l');
    if (of(srb).srb.function() == SRB_FUNCTION_EXECUTE_SCSI) return lost.push_back(&of(srb));
    complete(*lost[0], SRB_STATUS_ABORTED);
    complete(srb);
  };
  ASSERT_TRUE(bring_up());
  const SentForTests& sent = send();
  run_out();
  EXPECT_EQ(order(), "rl");
  EXPECT_EQ(sent.result.srb_status, SRB_STATUS_ABORTED);
  EXPECT_TRUE(broken.empty());
}

TEST_F(RecoveryTest, ManyLostRequestsOfAUnitCostOneResetOfEachKind) {
  ASSERT_TRUE(bring_up());
  for (int i = 0; i < 8; ++i) send();
  run_out();
  EXPECT_EQ(order(), "rrrrrrrrldb");
  EXPECT_EQ(findings("ST-161"), 8u);
}

TEST_F(RecoveryTest, AShortTimeOutBehindALongOneIsKept) {
  ASSERT_TRUE(bring_up());
  SentForTests& patient = make();
  patient.request->srb.set_timeout(600);
  submit(patient);
  send();
  run_for(11 * kSecond);
  EXPECT_EQ(order(), "rrl");
  adapter->complete_all(SP_UNTAGGED, SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_BUS_RESET, {});
  run_out();
}

TEST_F(RecoveryTest, AResetThatIsNotAnsweredIsGivenUpTooAndNothingIsStartedMeanwhile) {
  answer_resets = false;
  ASSERT_TRUE(bring_up());
  send();
  run_for(11 * kSecond);
  EXPECT_EQ(order(), "rl");
  send();
  EXPECT_EQ(order(), "rl");
  run_for(10 * kSecond);
  EXPECT_NE(order().find("d"), std::string::npos);
  run_out();
  EXPECT_EQ(adapter->outstanding(), 0u);
}

TEST_F(RecoveryTest, AnAbandonedRequestComesBackWithItsLateCompletionAndOnlyOnce) {
  ASSERT_TRUE(bring_up());
  SentForTests& sent = make();
  sent.keep = true;
  submit(sent);
  Request& request = *sent.request;
  run_out();
  ASSERT_EQ(request.state, Request::State::abandoned);
  EXPECT_TRUE(request.lent);  // the driver has it still
  complete_later(request);    // before the client has let go
  EXPECT_FALSE(request.lent);
  EXPECT_EQ(request.state, Request::State::idle);
  EXPECT_EQ(sent.result.srb_status, SRB_STATUS_TIMEOUT);
  adapter->release(request);
  complete_later(request);
  EXPECT_EQ(findings("VER-45"), 1u);
  EXPECT_EQ(sent.completions, 1u);
}

TEST_F(RecoveryTest, AnAbandonedSlotIsNotUsedAgainBeforeItIsCompleted) {
  ASSERT_TRUE(bring_up());
  Request* gone = send().request;
  run_out();
  for (int i = 0; i < 40; ++i) {
    Request* next = make(0).request;
    EXPECT_NE(next, gone);
    adapter->release(*next);
  }
  complete_later(*gone);
  bool seen = false;
  for (int i = 0; i < 40; ++i) {
    Request* next = make(0).request;
    seen |= next == gone;
    adapter->release(*next);
  }
  EXPECT_TRUE(seen);
}

TEST_F(RecoveryTest, WhatWaitedBehindALostRequestIsStartedWhenThatIsGivenUp) {
  ASSERT_TRUE(bring_up());
  adapter->unit(0, 0, 0).depth = 1;
  send();
  const SentForTests& second = send();
  run_out();
  EXPECT_EQ(second.completions, 1u);
  EXPECT_EQ(order(), "rldbrldb");
}

TEST_F(RecoveryTest, TheAdapterRestsAfterABusResetAsLongAsTheMiniportAsked) {  // ST-23
  driver.find = [](PORT_CONFIGURATION_INFORMATION& config) {
    configure(config);
    config.BusResetHoldTime = 2'000'000;
    return ULONG{SP_RETURN_FOUND};
  };
  driver.reset_bus = [this](ULONG) {
    note('b');
    complete(*lost[0], SRB_STATUS_BUS_RESET);
  };
  ASSERT_TRUE(bring_up());
  send();
  while (order() != "rldb") run_for(kSecond / 10);
  const Nanoseconds reset = scheduler.now();
  driver.start = [this](void* srb) { note('n'), complete(srb); };
  send();
  EXPECT_EQ(order(), "rldb");
  run_out();
  EXPECT_EQ(order(), "rldbn");
  EXPECT_GE(steps.back().at + kSecond / 10, reset + 2 * kSecond);
}

TEST_F(RecoveryTest, ResetBusIsCalledAtDispatchLevelUnderTheStartIoLock) {  // ST-161
  driver.reset_bus = [this](ULONG) {
    EXPECT_EQ(scheduler.irql(), kDispatchLevel);
    STOR_LOCK_HANDLE handle{};
    adapter->acquire(StartIoLock, nullptr, handle, {});
    adapter->release_lock(handle, {});
  };
  ASSERT_TRUE(bring_up());
  send();
  run_out();
  EXPECT_EQ(found_held(), 1u);
}

}  // namespace
}  // namespace drydock::storport
