#include "debugger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace drydock {
namespace {

using testing::HasSubstr;

TEST(Debugger, TheRunIsTheSameWithoutTheOptionItself) {
  const auto command = debugger_command({}, {"drydock", "run", "my.sys", "--gdb", "--cpus", "4"});
  if (!command) GTEST_FAIL() << command.error().message;  // the script lies beside the test program, too
  const auto from = std::find(command->begin(), command->end(), "--args");
  ASSERT_EQ(command->end() - from, 6);
  EXPECT_EQ((std::vector<std::string>(from + 2, command->end())), (std::vector<std::string>{"run", "my.sys", "--cpus", "4"}));
}

TEST(Debugger, ACommandToServeIsRefusedInOneLine) {
  RunRequest request;
  request.command = "true";
  const auto command = debugger_command(request, {"drydock", "run", "my.sys", "--gdb", "--exec", "true"});
  ASSERT_FALSE(command);
  EXPECT_THAT(command.error().message, HasSubstr("--exec"));
  EXPECT_EQ(command.error().message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace drydock
