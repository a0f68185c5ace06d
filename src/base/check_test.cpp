#include "base/check.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace drydock {
namespace {

void tell(const char* why) {
  std::fprintf(stderr, "the last act, because of: %s\n", why);
  CHECK(false, "the last act fails too");
}

TEST(Check, a_failed_one_ends_the_process_with_status_5) {
  EXPECT_EXIT(CHECK(1 == 2, "one is {}", 1), testing::ExitedWithCode(kExitOurFault), "internal error: one is 1 .*1 == 2 is false");
}

TEST(Check, what_is_still_to_be_done_is_done_once) {
  const auto fail = [] {
    remember_seed(7);
    on_check_failed(tell);
    CHECK(false, "first");
  };
  EXPECT_EXIT(fail(), testing::ExitedWithCode(kExitOurFault), "the last act, because of: internal error: first .*seed 7\n.*the last act fails too");
}

}  // namespace
}  // namespace drydock
