#include "ddi_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace drydock {
namespace {

using testing::HasSubstr;

const ExportedRoutine kExported[] = {{"KeNumber", "ntoskrnl.exe", true, Coverage::complete, "", false, "some-page", ""},
                                     {"StorPortBusy", "storport.sys", false, Coverage::partial, "DISPATCH", false, "nf-storport-storportbusy", "not all"},
                                     {"StorPortPause", "storport.sys", false, Coverage::complete, "any", true, "nf-storport-storportpause", ""}};
const MissingRoutine kMissing[] = {{"ScsiPortFlushDma", "scsiport.sys", "srb.h"}};

TEST(DdiList, groups_by_module_and_says_what_is_lacking) {
  EXPECT_EQ(exports_text(kExported),
            "ntoskrnl.exe  1\n"
            "  KeNumber       complete  data                  some-page\n"
            "storport.sys  2\n"
            "  StorPortBusy   partial   at IRQL <= DISPATCH   nf-storport-storportbusy\n"
            "      except: not all\n"
            "  StorPortPause  complete  at IRQL any, may raise  nf-storport-storportpause\n");
}

TEST(DdiList, missing_names_the_header_that_declares_it) {
  EXPECT_EQ(missing_text(kMissing), "scsiport.sys  1\n  ScsiPortFlushDma  missing   declared in srb.h\n");
}

TEST(DdiList, json_adds_addresses_and_rules) {
  const auto exported = nlohmann::json::parse(exports_json(kExported, RuleBook::get()));
  EXPECT_THAT(exported.at(1).at("address").get<std::string>(), HasSubstr("/ddi/storport/nf-storport-storportbusy"));
  EXPECT_THAT(exported.at(1).at("rules").get<std::vector<std::string>>(), testing::Contains("ST-112"));
  const auto missing = nlohmann::json::parse(missing_json(kMissing, RuleBook::get()));
  EXPECT_EQ(missing.at(0).at("page"), "nf-srb-scsiportflushdma");
  EXPECT_EQ(missing.at(0).at("coverage"), "missing");
}

}  // namespace
}  // namespace drydock
