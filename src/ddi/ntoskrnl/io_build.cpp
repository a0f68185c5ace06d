// ntoskrnl.exe: IoBuild…Request, IoForwardIrpSynchronously: requests of drivers to drivers.

#include <fmt/format.h>

#include "ddi/modules.h"
#include "ddi/ntoskrnl/kernel_object.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";

IoManager& io(Call& call) { return call.kernel().io(); }

DEVICE_OBJECT* target_of(Call& call, DEVICE_OBJECT* device) {
  if (io(call).devices().find(device) != nullptr) return device;
  call.broken("VER-71", "0xC9/0x04", fmt::format("{} was given a device object that was never created, or is gone", call.name()));
  return nullptr;
}

/// Where an argument points. DOC: BUF-95 VER-71 False after a finding: not to [address, +length) of the driver's memory.
bool find_buffer(Call& call, DriverRange& range, bool write, std::string_view code, const char* what) {
  if (range.length == 0) return true;
  range.alias = range.address == nullptr ? nullptr : io(call).host().memory_at(range.address, range.length, write);
  if (range.alias != nullptr) return true;
  call.broken("VER-71", code, fmt::format("{}: {} of {} bytes {}", call.name(), what, range.length, range.address == nullptr ? "is NULL" : "is no memory of the driver"));
  return false;
}

bool is_transfer(ULONG major) { return major == IRP_MJ_READ || major == IRP_MJ_WRITE; }
bool is_documented(ULONG major) { return is_transfer(major) || major == IRP_MJ_PNP || major == IRP_MJ_FLUSH_BUFFERS || major == IRP_MJ_SHUTDOWN; }

/// DOC: BUF-92 what goes with which major function.
bool read_transfer(Call& call, ULONG major, void* buffer, ULONG length, const LARGE_INTEGER* offset, IrpBuilder::Transfer& wanted) {
  if (!is_documented(major)) call.broken("BUF-92", "", fmt::format("{} was given {}: it makes requests to read, write, flush, shut down, and of PnP", call.name(), name_of_major(major)));
  if (major > IRP_MJ_MAXIMUM_FUNCTION) return false;
  if (!is_transfer(major)) {
    if (buffer != nullptr || length != 0) call.broken("BUF-92", "", fmt::format("{}: {} has no buffer: Buffer must be NULL and Length 0", call.name(), name_of_major(major)));
    return true;
  }
  wanted.buffer = {buffer, nullptr, length};
  if (!find_buffer(call, wanted.buffer, major == IRP_MJ_READ, "0xC9/0x08", "Buffer")) return false;
  if (offset == nullptr) return true;
  const LARGE_INTEGER* host = call.object(offset, "StartingOffset");
  if (host != nullptr) wanted.offset = host->QuadPart;
  return host != nullptr;
}

IrpFacts* build_transfer(Call& call, ULONG major, DEVICE_OBJECT* device, void* buffer, ULONG length, const LARGE_INTEGER* offset, IO_STATUS_BLOCK* status, IrpOrigin origin) {
  IrpBuilder::Transfer wanted{.major = major, .target = target_of(call, device), .buffer = {}, .offset = 0};
  if (wanted.target == nullptr || !read_transfer(call, major, buffer, length, offset, wanted)) return nullptr;
  IrpFacts* facts = io(call).builder().transfer(wanted, origin, call.place());
  if (facts != nullptr) facts->irp->UserIosb = status;
  return facts;
}

IRP* build_asynchronous(Call& call, ULONG major, DEVICE_OBJECT* device, void* buffer, ULONG length, const LARGE_INTEGER* offset, IO_STATUS_BLOCK* status) {
  IrpFacts* facts = build_transfer(call, major, device, buffer, length, offset, status, IrpOrigin::asynchronous);
  return facts == nullptr ? nullptr : facts->irp;
}

/// May be NULL; what is given has to be one. False after a finding.
bool is_event(Call& call, KEVENT* event) {
  return event == nullptr || dispatcher_object(call, event, "Event", [](DispatcherKind kind) { return drydock::is_event(kind); }) != nullptr;
}

IRP* build_synchronous(Call& call, ULONG major, DEVICE_OBJECT* device, void* buffer, ULONG length, const LARGE_INTEGER* offset, KEVENT* event, IO_STATUS_BLOCK* status) {
  if (!is_event(call, event) || call.object(status, "IoStatusBlock") == nullptr) return nullptr;
  IrpFacts* facts = build_transfer(call, major, device, buffer, length, offset, status, IrpOrigin::threaded);
  if (facts == nullptr) return nullptr;
  facts->irp->UserEvent = event;
  return facts->irp;
}

/// DOC: BUF-90 both buffers lie in system memory.
bool read_control(Call& call, IrpBuilder::Control& wanted) {
  for (const auto& [range, what] : {std::pair{&wanted.in, "InputBuffer"}, {&wanted.out, "OutputBuffer"}}) {
    if (!find_buffer(call, *range, range == &wanted.out, "0xC9/0x09", what)) return false;
    const auto found = call.memory().find(reinterpret_cast<std::uint64_t>(range->address));
    if (range->length == 0 || !found || found->view != View::user) continue;
    call.broken("VER-71", "0xC9/0x09", fmt::format("IoBuildDeviceIoControlRequest: {} is a user-mode address: it must be system memory", what));
    return false;
  }
  return true;
}

IRP* build_control(Call& call, ULONG code, DEVICE_OBJECT* device, void* in, ULONG in_length, void* out, ULONG out_length, BOOLEAN internal, KEVENT* event, IO_STATUS_BLOCK* status) {
  IrpBuilder::Control wanted{.code = code, .internal = internal != FALSE, .target = target_of(call, device), .in = {in, nullptr, in_length}, .out = {out, nullptr, out_length}};
  if (wanted.target == nullptr || !is_event(call, event) || call.object(status, "IoStatusBlock") == nullptr || !read_control(call, wanted)) return nullptr;
  IrpFacts* facts = io(call).builder().control(wanted, call.place());
  if (facts == nullptr) return nullptr;
  facts->irp->UserIosb = status;
  facts->irp->UserEvent = event;
  return facts->irp;
}

// DOC: BUF-86 the caller has the IRP again when this returns, and completes it.
BOOLEAN forward_synchronously(Call& call, DEVICE_OBJECT* device, IRP* irp) {
  const IrpFacts* facts = io(call).book().find(irp);
  if (facts == nullptr || facts->freed || facts->completed) {
    call.broken("VER-78", "0xC9/0x03", "IoForwardIrpSynchronously was given something that is no IRP, or is done with");
    return FALSE;
  }
  check_may_wait(call);
  KEVENT back{};
  Dispatcher::initialize(back.Header, reinterpret_cast<std::uint64_t>(&back), DispatcherKind::notification_event, sizeof back, 0);
  if (!io(call).forward(device, irp, &back, call.place())) return FALSE;
  DISPATCHER_HEADER* const header = &back.Header;
  const Waited waited = call.kernel().objects().dispatcher.wait({&header, 1}, false, std::nullopt, is_urgent(call), {call.name(), call.place()});
  if (waited.end == WaitEnd::hopeless) end_hopeless_wait(call, "a request that no driver below completes");
  return TRUE;
}

}  // namespace

std::vector<Row> io_build_rows() {
  return {
      routine<"IoBuildAsynchronousFsdRequest", kApcLevel, &build_asynchronous>(kModule, "nf-wdm-iobuildasynchronousfsdrequest"),
      routine<"IoBuildSynchronousFsdRequest", kApcLevel, &build_synchronous>(kModule, "nf-wdm-iobuildsynchronousfsdrequest"),
      routine<"IoBuildDeviceIoControlRequest", kApcLevel, &build_control>(kModule, "nf-wdm-iobuilddeviceiocontrolrequest"),
      transparent_routine<"IoForwardIrpSynchronously", kApcLevel, &forward_synchronously>(kModule, "nf-wdm-ioforwardirpsynchronously"),
  };
}

}  // namespace drydock::ddi
