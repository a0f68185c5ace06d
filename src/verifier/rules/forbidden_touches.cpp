// Touches of memory that the driver was told to leave alone. DOC: ST-40 ST-42 a DataBuffer that is not mapped;
// DOC: ST-43 ST-60 ST-121 a list, an extension or an SRB after its completion.

#include <fmt/format.h>

#include "verifier/rules/rules.h"

namespace drydock {

namespace {

std::string_view rule_of(const ForbiddenTouched& touch) {
  if (touch.object == "DataBuffer") return touch.read_write || touch.dead ? "ST-42" : "ST-40";
  if (touch.object == "scatter/gather list") return "ST-43";
  if (touch.object == "SRB extension") return "ST-60";
  return "ST-121";
}

}  // namespace

void ForbiddenTouches::observe(const TraceEvent& event) {
  const auto* touch = std::get_if<ForbiddenTouched>(&event);
  if (touch == nullptr) return;
  const char* act = touch->write ? "written" : "read";
  const std::string what = touch->srb == 0 ? touch->object : fmt::format("{}+{:#x} of SRB {}", touch->object, touch->offset, touch->srb);
  log_.report(rule_of(*touch), "", touch->dead ? fmt::format("{} was {} after its completion", what, act)
                                               : fmt::format("{} was {}, but MapBuffers leaves it unmapped", what, act), touch->where);
}

}  // namespace drydock
