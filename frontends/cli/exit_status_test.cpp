#include "exit_status.h"

#include <gtest/gtest.h>

namespace drydock {
namespace {

TEST(ExitStatus, without_a_command_is_the_outcome) {
  for (int number = 0; number <= 5; ++number)
    EXPECT_EQ(exit_status(static_cast<Outcome>(number), std::nullopt), number);
}

TEST(ExitStatus, a_failed_command_outranks_findings_and_nothing_else) {
  const std::pair<Outcome, int> rows[] = {{Outcome::clean, 77},         {Outcome::findings, 77},
                                          {Outcome::bad_input, 2},      {Outcome::refused, 3},
                                          {Outcome::driver_crashed, 4}, {Outcome::internal_error, 5}};
  for (const auto& [outcome, status] : rows) EXPECT_EQ(exit_status(outcome, 77), status) << name_of(outcome);
}

TEST(ExitStatus, a_command_that_succeeded_hides_nothing) {
  EXPECT_EQ(exit_status(Outcome::clean, 0), 0);
  EXPECT_EQ(exit_status(Outcome::findings, 0), 1);
}

}  // namespace
}  // namespace drydock
