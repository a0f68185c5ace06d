#include "trace/json_lines.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace drydock {
namespace {

TEST(JsonLines, AnEventIsOneLineWithItsTimeNameAndFields) {
  const std::string path = testing::TempDir() + "json_lines_test.jsonl";
  {
    Trace trace;
    std::uint64_t clock = 42;
    auto file = JsonLines::create(path, [](void* c) { return *static_cast<std::uint64_t*>(c); }, &clock);
    ASSERT_TRUE(file);
    trace.add(**file, true);
    trace.note([] { return SrbStarted{7, 0, 0x28, 4096, 1}; });
    clock = 43;
    trace.emit(RuleBroken{"ST-42", "", "bad \xFF text", {}});
  }
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  ::unlink(path.c_str());
  EXPECT_NE(all.str().find(R"({"t":42,"event":"srb_started","srb":7,"function":0,"opcode":40,"length":4096,"elements":1})" "\n"), std::string::npos);
  EXPECT_NE(all.str().find(R"("t":43,"event":"rule_broken")"), std::string::npos);
}

TEST(JsonLines, APathThatCannotBeWrittenIsRefusedInOneLine) {
  const auto refused = JsonLines::create("/nonexistent/trace", nullptr, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("/nonexistent/trace"), std::string::npos);
}

}  // namespace
}  // namespace drydock
