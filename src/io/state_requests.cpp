// What the I/O verification says of requests that change a device's state: PnP, power and WMI. DOC: VER-191

#include <fmt/format.h>

#include "io/io_manager.h"

namespace drydock {

namespace {

bool is_state_request(unsigned major) { return major == IRP_MJ_PNP || major == IRP_MJ_POWER || major == IRP_MJ_SYSTEM_CONTROL; }

constexpr unsigned kLastMinor = IRP_MN_DEVICE_ENUMERATED;  // of PnP; power has fewer

struct Codes {
  const char *bad_start, *failed_on, *made_unsupported, *succeeded_here, *untouched_here;
};
constexpr Codes kPnp{"0xC9/0x20E", "0xC9/0x215", "0xC9/0x216", "0xC9/0x22E", "0xC9/0x22F"}, kPower{"0xC9/0x20F", "0xC9/0x219", "0xC9/0x21A", "0xC9/0x231", "0xC9/0x232"};

bool may_not_fail(unsigned major, unsigned minor) {
  return major == IRP_MJ_PNP && (minor == IRP_MN_STOP_DEVICE || minor == IRP_MN_CANCEL_STOP_DEVICE || minor == IRP_MN_CANCEL_REMOVE_DEVICE || minor == IRP_MN_REMOVE_DEVICE ||
                                 minor == IRP_MN_SURPRISE_REMOVAL);
}

}  // namespace

// On its way down.
void IoManager::look_at_state_request(const Irp& irp, const IrpFacts& facts, const CodePlace& where) {
  const unsigned major = irp.next().MajorFunction;
  if (where.rip == 0 || !is_state_request(major)) return;
  const NTSTATUS status = irp->IoStatus.Status;
  const bool unsupported = status == STATUS_NOT_SUPPORTED;
  const auto broken = [&](const char* code, std::string text) { services_.broken("VER-191", code, std::move(text), where); };
  if (facts.dispatches.empty()) {
    if (!unsupported)
      broken(major == IRP_MJ_PNP ? kPnp.bad_start : major == IRP_MJ_POWER ? kPower.bad_start : "0xC9/0x210",
             fmt::format("{} is sent with status {:#010x}: a new one begins with STATUS_NOT_SUPPORTED", name_of_major(major), static_cast<std::uint32_t>(status)));
    return;
  }
  if (major == IRP_MJ_SYSTEM_CONTROL) return;
  const Codes& codes = major == IRP_MJ_PNP ? kPnp : kPower;
  const Dispatched* own = dispatch_of(facts, where);
  if (status < 0 && !unsupported) broken(codes.failed_on, fmt::format("{} is passed down with status {:#010x}: what has failed is completed", name_of_major(major), static_cast<std::uint32_t>(status)));
  if (own != nullptr && unsupported && own->status_given != STATUS_NOT_SUPPORTED)
    broken(codes.made_unsupported, fmt::format("{} had a status, and is passed down with STATUS_NOT_SUPPORTED", name_of_major(major)));
}

// Completed by a driver that has another below it, and has not passed it on.
void IoManager::look_at_state_answer(const Irp& irp, const IrpFacts& facts, const CodePlace& where) {
  const unsigned major = irp.current().MajorFunction, minor = irp.current().MinorFunction;
  if (major != IRP_MJ_PNP && major != IRP_MJ_POWER) return;
  const Dispatched* own = dispatch_of(facts, where);
  const DeviceFacts* device = own == nullptr ? nullptr : devices_.find(own->device);
  if (device == nullptr || device->below == nullptr || own->sent_down || own->location != irp.current_number()) return;
  const Codes& codes = major == IRP_MJ_PNP ? kPnp : kPower;
  const NTSTATUS status = irp->IoStatus.Status;
  const auto broken = [&](const char* code, const char* what) {
    services_.broken("VER-191", code, fmt::format("{} (minor function {:#x}) is completed with {:#010x} {}", name_of_major(major), minor, static_cast<std::uint32_t>(status), what), where);
  };
  if (status >= 0) broken(codes.succeeded_here, "instead of being passed down: only the bus driver completes what succeeds");
  else if (status == STATUS_NOT_SUPPORTED) broken(codes.untouched_here, "instead of being passed down as it is");
  else if (minor > kLastMinor) broken("0xC9/0x22D", "by a driver that does not know it: it is passed down as it is");
  else if (may_not_fail(major, minor)) broken("0xC9/0x247", "and may not fail");
}

}  // namespace drydock
