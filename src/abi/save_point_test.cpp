#include "abi/save_point.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

[[gnu::noinline]] void jump_from_below(SavePoint& point, int depth) {
  volatile char frame[256];
  frame[0] = 1;
  if (depth > 0) jump_from_below(point, depth - 1);
  if (frame[0] == 1) return_to(point);
}

TEST(SavePoint, comes_back_from_any_depth_any_number_of_times) {
  volatile int rounds = 0;
  SavePoint point;
  if (DRYDOCK_SAVE_POINT(point) != 0) rounds = rounds + 1;
  if (rounds < 1000) jump_from_below(point, rounds % 7);
  EXPECT_EQ(rounds, 1000);
}

}  // namespace
}  // namespace drydock
