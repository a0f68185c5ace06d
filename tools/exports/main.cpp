// drydock-exports: the export table for other tools: --def MODULE prints a module definition for the linker, --json all
// rows for the coverage page.

#include <strings.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "ddi/row.h"
#include "kasan/instrumentation.h"

namespace {

int print_def(std::string_view module) {
  bool any = false;
  std::printf("LIBRARY \"%.*s\"\nEXPORTS\n", static_cast<int>(module.size()), module.data());
  if (module == drydock::kInstrumentationModule) {
    for (const auto& import : drydock::instrumentation_imports()) std::printf("  %s\n", import.name);
    return 0;
  }
  for (const auto& row : drydock::ddi::all_rows()) {
    if (module.size() != std::string_view(row.module).size() || strncasecmp(row.module, module.data(), module.size()) != 0) continue;
    std::printf("  %s%s\n", row.name, row.is_data ? " DATA" : "");
    any = true;
  }
  return any || module == "scsiport.sys" ? 0 : (std::fprintf(stderr, "drydock-exports: no module %.*s\n", static_cast<int>(module.size()), module.data()), 2);
}

int print_json() {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& row : drydock::ddi::all_rows())
    rows.push_back({{"name", row.name}, {"module", row.module}, {"kind", row.is_data ? "data" : "function"},
                    {"irql_max", row.irql_max}, {"coverage", row.coverage == drydock::ddi::Coverage::full ? "full" : "partial"},
                    {"raises", row.raises}, {"doc", row.page}, {"note", row.note}});
  std::puts(rows.dump(1).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "--json" && argc == 2) return print_json();
  if (what == "--def" && argc == 3) return print_def(argv[2]);
  std::fputs("usage: drydock-exports --def MODULE | --json\n", stderr);
  return 2;
}
