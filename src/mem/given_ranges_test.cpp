#include "mem/given_ranges.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(GivenRanges, a_range_is_in_flight_between_begin_and_end_and_remembered_afterwards) {
  GivenRanges given;
  const GivenRange range{0x1000, 0x20, GivenAs::direct};
  EXPECT_EQ(given.ever(0x1000), nullptr);
  given.begin(range);
  given.begin(range);
  ASSERT_NE(given.in_flight(0x101F), nullptr);
  EXPECT_EQ(given.in_flight(0x1000)->as, GivenAs::direct);
  EXPECT_EQ(given.in_flight(0x1020), nullptr);
  EXPECT_EQ(given.in_flight(0xFFF), nullptr);
  given.end(range);
  EXPECT_NE(given.in_flight(0x1000), nullptr);  // the other request
  given.end(range);
  given.end(range);
  EXPECT_EQ(given.in_flight(0x1000), nullptr);
  EXPECT_NE(given.ever(0x1000), nullptr);
}

TEST(GivenRanges, the_latest_request_says_how) {
  GivenRanges given;
  given.begin({0x1000, 0x20, GivenAs::direct});
  given.begin({0x1000, 0x10, GivenAs::buffered});
  EXPECT_EQ(given.in_flight(0x1008)->as, GivenAs::buffered);
  EXPECT_EQ(given.in_flight(0x1018)->as, GivenAs::direct);
  given.begin({0x1000, 0x20, GivenAs::raw});
  given.begin({0x1000, 0x20, GivenAs::direct});
  EXPECT_EQ(given.in_flight(0x1008)->as, GivenAs::raw);  // a raw one may be touched, whatever else it is
}

TEST(GivenRanges, nothing_is_given_with_no_bytes_and_the_oldest_are_forgotten) {
  GivenRanges given;
  given.begin({0x1000, 0, GivenAs::raw});
  EXPECT_EQ(given.ever(0x1000), nullptr);
  for (std::uint64_t i = 0; i < GivenRanges::kRememberedMax + 1; ++i) {
    given.begin({0x10000 + 16 * i, 16, GivenAs::raw});
    if (i != 1) given.end({0x10000 + 16 * i, 16, GivenAs::raw});
  }
  EXPECT_EQ(given.ever(0x10000), nullptr);
  EXPECT_NE(given.in_flight(0x10010), nullptr);
}

}  // namespace
}  // namespace drydock
