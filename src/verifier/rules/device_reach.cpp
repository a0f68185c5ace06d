// A device reached for memory outside every live mapping: the driver gave it a wrong or a stale address. DOC: VER-25
// Not so when the device was told to misbehave (--fault late-dma): the refusal is in the trace, and no driver's fault.

#include <fmt/format.h>

#include "verifier/rules/rules.h"

namespace drydock {

void DeviceReach::observe(const TraceEvent& event) {
  const auto* refused = std::get_if<DmaRefused>(&event);
  if (refused == nullptr || refused->injected) return;
  std::string text = fmt::format("the device {} {} bytes at {:#x}, which no live mapping allows", refused->to_device ? "reads" : "writes",
                                 refused->length, refused->logical);
  if (!refused->whose.empty()) text += ": " + refused->whose;
  if (refused->doorbell.rip != 0) text += "; the driver's last write to a register of the device is the place given";
  log_.report("VER-25", "0xE6/0x26", std::move(text), refused->doorbell);
}

}  // namespace drydock
