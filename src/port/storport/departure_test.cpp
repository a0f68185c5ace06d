#include "port/storport/departure.h"

#include "port/storport/port_for_tests.h"

namespace drydock::storport {
namespace {

struct DepartureTest : PortForTests {};

// DOC: ST-177 ST-170 no more controls than the miniport listed
TEST_F(DepartureTest, IsToldToWhoSupportsIt_AndNothingMoreIsStarted) {
  unsigned told = 0, taken = 0;
  driver.supports_surprise = true;
  driver.surprise = [&] {
    ++told;
    EXPECT_LT(scheduler.irql(), kDispatchLevel);
    EXPECT_EQ(found_held(), 0u);
  };
  driver.start = [&](void* srb) { ++taken, complete(srb, SRB_STATUS_NO_DEVICE); };
  ASSERT_TRUE(bring_up());
  send(0);
  hba.tell_departure();
  hba.tell_departure();
  run_out();
  EXPECT_EQ(told, 1u);
  EXPECT_EQ(send(0).result.srb_status, SRB_STATUS_NO_HBA);
  EXPECT_EQ(taken, 1u) << "the miniport gets nothing for an adapter that is gone";
  take_down();
  EXPECT_EQ(told, 1u);
}

TEST_F(DepartureTest, IsNotToldToWhoDoesNot) {
  driver.supports_surprise = false;
  driver.surprise = [&] { ADD_FAILURE() << "it never listed this control"; };
  driver.start = [&](void* srb) { complete(srb); };
  ASSERT_TRUE(bring_up());
  hba.tell_departure();
  run_out();
  take_down();
}

// What the miniport has stays its own until it completes it, here in the call that tells it.
TEST_F(DepartureTest, LeavesTheMiniportWhatItHas) {
  void* held = nullptr;
  driver.supports_surprise = true;
  driver.start = [&](void* srb) { held = srb; };
  driver.surprise = [&] { complete(held, SRB_STATUS_NO_DEVICE); };
  ASSERT_TRUE(bring_up());
  SentForTests& sent = send(0);
  EXPECT_EQ(sent.completions, 0u);
  hba.tell_departure();
  run_out();
  EXPECT_EQ(sent.completions, 1u);
  EXPECT_EQ(sent.result.srb_status, SRB_STATUS_NO_DEVICE);
  take_down();
}

TEST_F(DepartureTest, NoticedWhileTheAdapterStops_IsToldFirst) {
  std::string order;
  driver.supports_surprise = true;
  driver.surprise = [&] { order += 'g'; };
  driver.stop = [&] { order += 's'; };
  ASSERT_TRUE(bring_up());
  run([&] {
    hba.tell_departure();
    adapter->stop();
    adapter->remove();
  });
  EXPECT_EQ(order, "gs");
}

}  // namespace
}  // namespace drydock::storport
