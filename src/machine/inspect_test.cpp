#include <drydock/inspect.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace drydock {
namespace {

using testing::HasSubstr;

std::string driver() { return std::string(DRYDOCK_TEST_DRIVERS) + "/ddvioblk.sys"; }

TEST(InspectDriver, tells_what_our_own_driver_is) {
  const Inspected inspected = inspect_driver(driver());
  ASSERT_TRUE(inspected) << inspected.error;
  const DriverFacts& facts = inspected.facts;
  EXPECT_EQ(facts.port, "storport");
  EXPECT_EQ(facts.entry_section, ".text");
  EXPECT_TRUE(facts.dwarf);
  EXPECT_FALSE(facts.pdb || facts.rich_header || facts.control_flow_guard);
  EXPECT_EQ(facts.timestamp, 0u) << "drydock-cc builds reproducibly";
  EXPECT_TRUE(facts.dynamic_base && facts.nx_compatible && facts.high_entropy);
  EXPECT_GT(facts.unwind_entries, 0u);
}

TEST(InspectDriver, every_import_has_its_coverage_and_its_page) {
  const Inspected inspected = inspect_driver(driver());
  ASSERT_TRUE(inspected) << inspected.error;
  const auto& imports = inspected.facts.imports;
  const auto at = std::find_if(imports.begin(), imports.end(), [](const ImportFacts& i) { return i.name == "StorPortInitialize"; });
  ASSERT_NE(at, imports.end());
  EXPECT_EQ(at->coverage, Coverage::complete);
  EXPECT_EQ(at->page, "nf-storport-storportinitialize");
  for (const ImportFacts& import : imports) EXPECT_NE(import.coverage, Coverage::missing) << import.name;
}

TEST(InspectDriver, what_is_no_driver_is_refused_with_its_name) {
  const std::string path = testing::TempDir() + "no_driver.sys";
  std::ofstream(path) << "MZ is not enough";
  EXPECT_THAT(inspect_driver(path).error, HasSubstr(path + ": "));
  EXPECT_THAT(inspect_driver(testing::TempDir()).error, HasSubstr("regular file"));
  EXPECT_THAT(inspect_driver(path + ".not_there").error, HasSubstr("No such file"));
}

TEST(Exports, nothing_is_both_exported_and_missing) {
  std::vector<std::string> exported, missing, both;
  for (const auto& routine : exported_routines()) exported.push_back(routine.name);
  for (const auto& routine : missing_routines()) missing.push_back(routine.name);
  EXPECT_FALSE(exported.empty() || missing.empty());
  std::sort(exported.begin(), exported.end());
  std::sort(missing.begin(), missing.end());
  std::set_intersection(exported.begin(), exported.end(), missing.begin(), missing.end(), std::back_inserter(both));
  EXPECT_THAT(both, testing::IsEmpty());
}

}  // namespace
}  // namespace drydock
