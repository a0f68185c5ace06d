#include "ddi/row.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace drydock::ddi {
namespace {

TEST(Rows, ModuleNamesAreFoundInAnyCaseAndRoutineNamesOnlyInTheirOwn) {
  EXPECT_NE(find_row("STORPORT.SYS", "StorPortNotification"), nullptr);
  EXPECT_EQ(find_row("storport.sys", "storportnotification"), nullptr);
  EXPECT_EQ(find_row("storport", "StorPortNotification"), nullptr);
  EXPECT_EQ(find_row("", "StorPortNotification"), nullptr);
}

TEST(Rows, KernelAndHalFindEachOthersRoutinesAndNobodyElses) {
  EXPECT_EQ(find_row("HAL.dll", "KeStallExecutionProcessor"), find_row("ntoskrnl.exe", "KeStallExecutionProcessor"));
  EXPECT_NE(find_row("NTOSKRNL.EXE", "READ_REGISTER_ULONG"), nullptr);
  EXPECT_EQ(find_row("storport.sys", "memcpy"), nullptr);
  EXPECT_EQ(find_row("hal.dll", "StorPortNotification"), nullptr);
}

TEST(Rows, ANameStandsOnceInItsModule) {
  std::set<std::string> seen;
  for (const Row& row : all_rows()) EXPECT_TRUE(seen.insert(std::string(row.module) + "!" + row.name).second) << row.name;
}

TEST(Rows, EveryRowHasAPageAndSomethingBehindItAndPartialOnesSayWhatIsMissing) {
  for (const Row& row : all_rows()) {
    EXPECT_NE(row.page[0], '\0') << row.name;
    EXPECT_NE(row.address, nullptr) << row.name;
    if (row.coverage == Coverage::partial) {
      EXPECT_NE(row.note[0], '\0') << row.name;
    }
  }
}

}  // namespace
}  // namespace drydock::ddi
