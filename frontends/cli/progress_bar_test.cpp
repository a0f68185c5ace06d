#include "progress_bar.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(ProgressLine, is_empty_at_the_start_and_full_at_the_end) {
  EXPECT_EQ(progress_line({0, 4, "reads"}, 80), "[>                               ]   0 %  reads");
  EXPECT_EQ(progress_line({2, 4, "reads"}, 80), "[================>               ]  50 %  reads");
  EXPECT_EQ(progress_line({4, 4, "reads"}, 80), "[================================] 100 %  reads");
}

TEST(ProgressLine, never_passes_the_end_nor_divides_by_nothing) {
  EXPECT_NE(progress_line({9, 4, ""}, 80).find("100 %"), std::string::npos);
  EXPECT_NE(progress_line({0, 0, ""}, 80).find("  0 %"), std::string::npos);
}

TEST(ProgressLine, fits_the_terminal) { EXPECT_EQ(progress_line({1, 2, "a long story"}, 40).size(), 40u); }

}  // namespace
}  // namespace drydock
