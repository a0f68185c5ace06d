#include "ddi/declared.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "ddi/row.h"

namespace drydock::ddi {
namespace {

const Declared* find(std::string_view name) {
  const auto all = declared_imports();
  const auto at = std::find_if(all.begin(), all.end(), [&](const Declared& d) { return name == d.name; });
  return at == all.end() ? nullptr : &*at;
}

TEST(Declared, each_import_has_its_module_by_the_marker_of_the_header) {
  const std::pair<const char*, const char*> expected[] = {{"StorPortInitialize", "storport.sys"}, {"ScsiPortFlushDma", "scsiport.sys"},
      {"KeSetEvent", "ntoskrnl.exe"}, {"KeStallExecutionProcessor", "hal.dll"}, {"DbgPrintEx", "ntoskrnl.exe"}, {"memcpy", "ntoskrnl.exe"}};
  for (const auto& [name, module] : expected) {
    ASSERT_NE(find(name), nullptr) << name;
    EXPECT_STREQ(find(name)->module, module) << name;
  }
}

TEST(Declared, variables_and_declarations_over_several_lines_are_found) {
  EXPECT_NE(find("MmUserProbeAddress"), nullptr);
  EXPECT_NE(find("StorPortGetPhysicalAddress"), nullptr);
}

TEST(Declared, inline_functions_and_macros_are_no_imports) {
  for (const char* name : {"MmGetSystemAddressForMdlSafe", "StorPortAllocatePool", "IoGetCurrentIrpStackLocation"}) EXPECT_EQ(find(name), nullptr) << name;
}

TEST(Declared, some_have_a_row_and_some_do_not) {
  EXPECT_NE(find_row("storport.sys", "StorPortInitialize"), nullptr);
  EXPECT_EQ(find_row(find("ScsiPortFlushDma")->module, "ScsiPortFlushDma"), nullptr);
}

}  // namespace
}  // namespace drydock::ddi
