// The export table in the words of the embedding API.

#include <drydock/inspect.h>

#include "ddi/declared.h"
#include "ddi/row.h"

namespace drydock {
namespace {

std::string irql_name(const ddi::Row& row) {
  if (row.is_data) return {};
  if (row.irql_max == kPassiveLevel) return "PASSIVE";
  if (row.irql_max == kApcLevel) return "APC";
  return row.irql_max == kDispatchLevel ? "DISPATCH" : "any";
}

Coverage coverage_of(const ddi::Row& row) { return row.coverage == ddi::Coverage::full ? Coverage::complete : Coverage::partial; }

}  // namespace

const char* name_of(Coverage coverage) {
  switch (coverage) {
    case Coverage::missing: return "missing";
    case Coverage::partial: return "partial";
    case Coverage::complete: break;
  }
  return "complete";
}

std::vector<ExportedRoutine> exported_routines() {
  std::vector<ExportedRoutine> routines;
  for (const ddi::Row& row : ddi::all_rows())
    routines.push_back({row.name, row.module, row.is_data, coverage_of(row), irql_name(row), row.raises, row.page, row.note});
  return routines;
}

std::vector<MissingRoutine> missing_routines() {
  std::vector<MissingRoutine> missing;
  for (const ddi::Declared& declared : ddi::declared_imports())
    if (ddi::find_row(declared.module, declared.name) == nullptr) missing.push_back({declared.name, declared.module, declared.header});
  return missing;
}

}  // namespace drydock
