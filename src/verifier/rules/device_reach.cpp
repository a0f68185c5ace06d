// A device reached for memory outside every live mapping: the driver gave it a wrong or a stale address. DOC: VER-25

#include <fmt/format.h>

#include "verifier/rules/rules.h"

namespace drydock {

void DeviceReach::observe(const TraceEvent& event) {
  if (const auto* refused = std::get_if<DmaRefused>(&event))
    log_.report("VER-25", "0xE6/0x26", fmt::format("the device {} {} bytes at {:#x}, which no live mapping allows",
                                                   refused->to_device ? "reads" : "writes", refused->length, refused->logical), {});
}

}  // namespace drydock
