#include "fault_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drydock {
namespace {

using testing::HasSubstr;

TEST(FaultList, explains_every_fault_and_the_syntax) {
  const std::vector<FaultType> types = {{"lost-interrupt", "completion interrupts", "it is lost", "1/100", false},
                                        {"enospc", "writes to the file", "no space", "1/50", true}};
  const std::string text = fault_list(types);
  for (const char* part : {"lost-interrupt  it is lost\n", "rate: of completion interrupts (default: 1/100)\n", "enospc          no space\n",
                           "(default: 1/50); needs a disk in a file", "1/100", "#7", "@SEED"})
    EXPECT_THAT(text, HasSubstr(part));
}

}  // namespace
}  // namespace drydock
