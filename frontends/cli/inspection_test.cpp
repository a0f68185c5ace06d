#include "inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace drydock {
namespace {

using testing::HasSubstr;

DriverFacts sample() {
  DriverFacts facts;
  facts.file = "/somewhere/my.sys";
  facts.bytes = 12345;
  facts.port = "storport";
  facts.entry_rva = 0x1000, facts.entry_section = ".text";
  facts.sections = {{".text", 0x1000, 0x800, 0x800, true, false, true, false}, {"INIT", 0x2000, 0x100, 0x200, true, true, true, true}};
  facts.imports = {{"storport.sys", "StorPortGetScatterGatherList", Coverage::complete, "nf-storport-storportgetscattergatherlist", ""},
                   {"storport.sys", "StorPortPause", Coverage::partial, "nf-storport-storportpause", "no time-out"},
                   {"ntoskrnl.exe", "KeNoSuchThing", Coverage::missing, "", ""}};
  facts.notes = {"section INIT is writable and executable"};
  facts.linker_version = "14.29", facts.rich_header = true;
  facts.pdb = true, facts.pdb_path = "d:\\my.pdb", facts.pdb_id = "{0}, age 1";
  facts.timestamp = 1700000000;
  facts.checksum = 0x1234;
  return facts;
}

std::string text(const DriverFacts& facts) { return inspection_text(facts, RuleBook::get(), Style(false)); }

TEST(Inspection, tells_each_import_with_coverage_page_and_rules) {
  const std::string told = text(sample());
  EXPECT_THAT(told, HasSubstr("imports: 3; 1 complete, 1 partial, 1 missing\n"));
  EXPECT_THAT(told, HasSubstr("    StorPortGetScatterGatherList  complete  nf-storport-storportgetscattergatherlist\n      rules "));
  EXPECT_THAT(told, HasSubstr("ST-43"));
  EXPECT_THAT(told, HasSubstr("except: no time-out"));
  EXPECT_THAT(told, HasSubstr("    KeNoSuchThing                 missing "));
}

TEST(Inspection, tells_how_the_driver_was_built) {
  const std::string told = text(sample());
  for (const char* part : {"12 345 bytes", "14.29 (Microsoft's: Rich header)", "2023-11-14 22:13:20 UTC", "PDB d:\\my.pdb {0}, age 1 (not found here)",
                           "0x1234, wrong", "rwx discardable", "worth a look"})
    EXPECT_THAT(told, HasSubstr(part));
}

TEST(Inspection, a_hash_is_not_told_as_a_time) {
  DriverFacts facts = sample();
  facts.reproducible = true;
  EXPECT_THAT(text(facts), HasSubstr("reproducible build (6553F100 is a hash)"));
  facts.reproducible = false, facts.timestamp = 0;
  EXPECT_THAT(text(facts), HasSubstr("none (reproducible build)"));
}

TEST(InspectionJson, has_the_same_for_programs) {
  const auto json = nlohmann::json::parse(inspection_json(sample(), RuleBook::get()));
  EXPECT_EQ(json.at("port"), "storport");
  EXPECT_EQ(json.at("coverage").at("missing"), 1);
  EXPECT_EQ(json.at("built_with").at("debug"), "pdb");
  EXPECT_EQ(json.at("imports").at(0).at("address"),
            "https://learn.microsoft.com/windows-hardware/drivers/ddi/storport/nf-storport-storportgetscattergatherlist");
  EXPECT_THAT(json.at("imports").at(0).at("rules").get<std::vector<std::string>>(), testing::Contains("ST-43"));
  EXPECT_EQ(json.at("sections").at(1).at("discardable"), true);
}

}  // namespace
}  // namespace drydock
