// IRPs on their way down: IoCallDriver.

#include <fmt/format.h>

#include "io/access_method.h"
#include "io/io_manager.h"

namespace drydock {

namespace {

constexpr std::uint32_t kNoMoreStackLocations = 0x35;

constexpr const char* kMajorNames[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    "IRP_MJ_CREATE", "IRP_MJ_CREATE_NAMED_PIPE", "IRP_MJ_CLOSE", "IRP_MJ_READ", "IRP_MJ_WRITE", "IRP_MJ_QUERY_INFORMATION",
    "IRP_MJ_SET_INFORMATION", "IRP_MJ_QUERY_EA", "IRP_MJ_SET_EA", "IRP_MJ_FLUSH_BUFFERS", "IRP_MJ_QUERY_VOLUME_INFORMATION",
    "IRP_MJ_SET_VOLUME_INFORMATION", "IRP_MJ_DIRECTORY_CONTROL", "IRP_MJ_FILE_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CONTROL",
    "IRP_MJ_INTERNAL_DEVICE_CONTROL", "IRP_MJ_SHUTDOWN", "IRP_MJ_LOCK_CONTROL", "IRP_MJ_CLEANUP", "IRP_MJ_CREATE_MAILSLOT",
    "IRP_MJ_QUERY_SECURITY", "IRP_MJ_SET_SECURITY", "IRP_MJ_POWER", "IRP_MJ_SYSTEM_CONTROL", "IRP_MJ_DEVICE_CHANGE",
    "IRP_MJ_QUERY_QUOTA", "IRP_MJ_SET_QUOTA", "IRP_MJ_PNP"};

bool is_read_or_write(unsigned major) { return major == IRP_MJ_READ || major == IRP_MJ_WRITE; }

constexpr ULONG kMethodFlags = DO_BUFFERED_IO | DO_DIRECT_IO;

}  // namespace

const char* name_of_major(unsigned major) { return major <= IRP_MJ_MAXIMUM_FUNCTION ? kMajorNames[major] : "a major function that does not exist"; }

NTSTATUS IoManager::call_driver(DEVICE_OBJECT* device, IRP* raw, const CodePlace& where) {
  IrpFacts* facts = book_.find(raw);
  if (!may_be_sent(device, raw, facts, where)) return STATUS_INVALID_PARAMETER;
  Irp irp(raw);
  if (services_.call.checking()) look_at_sender(*facts, device, where);
  facts->kept_by_maker = false;
  if (!irp.has_location_below()) host_.bug_check(kNoMoreStackLocations, {reinterpret_cast<std::uint64_t>(raw)}, where, "IoCallDriver: the IRP has no stack location left (was it made for a shorter stack?)");
  if (services_.call.checking()) {
    look_at_stack(irp, *facts, where);
    look_at_state_request(irp, *facts, where);
  }
  irp.go_down();
  irp.current().DeviceObject = device;
  if (services_.call.checking()) {
    look_at_method(*devices_.find(device), irp, where);
    look_at_addresses(irp, *facts, where);
  }
  const std::uint64_t serial = facts->serial, id = ++dispatches_;
  for (Dispatched& above : facts->dispatches)
    if (above.location >= irp.current_number() && !above.passed) above.sent_down = true;
  const unsigned major = irp.current().MajorFunction;
  facts->dispatches.push_back({.id = id, .location = irp.current_number(), .device = device,
                               .routine = major <= IRP_MJ_MAXIMUM_FUNCTION ? reinterpret_cast<std::uint64_t>(device->DriverObject->MajorFunction[major]) : 0, .major = major, .status_given = raw->IoStatus.Status});
  const NTSTATUS status = enter(device, raw);
  returned(raw, serial, id, status);
  return status;
}

NTSTATUS IoManager::enter(DEVICE_OBJECT* device, IRP* raw) {
  NTSTATUS status = STATUS_SUCCESS;
  if (host_.serve(device, raw, &status)) return status;
  const unsigned major = Irp(raw).current().MajorFunction;
  const PDRIVER_DISPATCH routine = major <= IRP_MJ_MAXIMUM_FUNCTION ? device->DriverObject->MajorFunction[major] : nullptr;
  if (routine != nullptr && routine != default_dispatch_)
    return services_.call(name_of_major(major), EntryKind::routine, routine, device, raw);
  raw->IoStatus = {};
  raw->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
  complete(raw, {});
  return STATUS_INVALID_DEVICE_REQUEST;
}

// DOC: VER-78 what cannot be sent at all; Windows would run into the memory of whatever it is. DOC: VER-70 the level.
bool IoManager::may_be_sent(DEVICE_OBJECT* device, IRP* raw, IrpFacts* facts, const CodePlace& where) {
  if (services_.scheduler.irql() > kDispatchLevel)
    services_.broken("VER-70", "0xC9/0x10", fmt::format("IoCallDriver was called at IRQL {}, above DISPATCH_LEVEL", services_.scheduler.irql()), where);
  if (device == nullptr) return services_.broken("VER-78", "0xC9/0x204", "IoCallDriver was given NULL for the device object", where), false;
  const DeviceFacts* to = devices_.find(device);
  if (to == nullptr) return services_.broken("VER-78", "0xC9/0x04", "IoCallDriver was given a device object that was never created, or is gone", where), false;
  if (facts == nullptr) return services_.broken("VER-78", "0xC9/0x03", "IoCallDriver was given something that is no IRP", where), false;
  if (facts->freed || facts->completed) {
    services_.broken(facts->freed ? "BUF-84" : "VER-111", "0xC9/0x03",
                     fmt::format("IoCallDriver was given IRP {}, which {}", facts->serial, facts->freed ? "has been freed" : "has been completed"), where, history_of(*facts));
    return false;
  }
  return Irp(raw).consistent() || (services_.broken("VER-78", "0xC9/0x212", fmt::format("the current stack location of IRP {} was trashed", facts->serial), where), false);
}

// DOC: VER-78 what the sender left in the next stack location, and in the IRP.
void IoManager::look_at_stack(const Irp& irp, const IrpFacts& facts, const CodePlace& where) {
  if (irp->CancelRoutine != nullptr)
    services_.broken("VER-78", "0xC9/0x203", fmt::format("IRP {} was sent down with a cancel routine set: IoSetCancelRoutine(Irp, NULL) comes first", facts.serial), where);
  if (irp.with_its_maker() && facts.origin == IrpOrigin::threaded && irp->UserEvent == nullptr && irp.next().CompletionRoutine == nullptr)  // DOC: BUF-91
    services_.broken("BUF-91", "", fmt::format("IRP {} was made without an event and is sent without a completion routine: nobody will learn that it is done", facts.serial), where);
  const IO_STACK_LOCATION& next = irp.next();
  constexpr UCHAR kInvoke = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;
  if ((next.Control & SL_PENDING_RETURNED) != 0 && !irp.with_its_maker() && &next != &irp.current())
    services_.broken("VER-78", "0xC9/0x206", fmt::format("the stack location that the driver below will get of IRP {} is marked pending already: copied by hand, or marked before it was skipped", facts.serial), where);
  if (irp.with_its_maker() || next.CompletionRoutine == nullptr || (next.Control & kInvoke) == 0) return;
  const IO_STACK_LOCATION& own = irp.current();
  const auto routine = reinterpret_cast<std::uint64_t>(next.CompletionRoutine);
  if (own.CompletionRoutine == next.CompletionRoutine && own.Context == next.Context && host_.driver_at(routine) != host_.driver_at(where.rip))
    services_.broken("VER-78", "0xC9/0x207", fmt::format("the completion routine of the driver above was copied into the next stack location of IRP {}, and will be called twice", facts.serial), where);
}

// DOC: VER-63 BUF-66 BUF-115 who says KernelMode vouches for the addresses, and the driver below does not probe them.
void IoManager::look_at_addresses(const Irp& irp, const IrpFacts& facts, const CodePlace& where) {
  if (irp->RequestorMode != KernelMode || where.rip == 0 || !services_.memory.user_closed()) return;
  const auto tell = [&](const void* pointer, const char* member) {
    const auto found = services_.memory.find(reinterpret_cast<std::uint64_t>(pointer));
    if (found && found->view == View::user)
      services_.broken("VER-63", "0xC4/0xE2", fmt::format("IRP {} says RequestorMode KernelMode, and {} is a user address, {:#x}", facts.serial, member,
                                                         reinterpret_cast<std::uint64_t>(pointer)), where);
  };
  tell(irp->UserBuffer, "UserBuffer");
  if (irp.current().MajorFunction == IRP_MJ_DEVICE_CONTROL || irp.current().MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL)
    tell(irp.current().Parameters.DeviceIoControl.Type3InputBuffer, "Type3InputBuffer");
}

/// The newest dispatch routine of the driver whose code is at `where`, that still has the IRP or has passed it on.
const Dispatched* IoManager::dispatch_of(const IrpFacts& facts, const CodePlace& where) const {
  const DRIVER_OBJECT* driver = where.rip == 0 ? nullptr : host_.driver_at(where.rip);
  const Dispatched* found = nullptr;
  for (const Dispatched& one : facts.dispatches)
    if (driver != nullptr && !one.passed && one.device->DriverObject == driver) found = &one;
  return found;
}

/// Does a driver below this dispatch routine have the IRP now?
bool IoManager::is_below(const IrpFacts& facts, const Dispatched& one) const {
  const Irp irp(facts.irp);
  if (irp.with_its_maker() || !one.sent_down || irp.current_number() > one.location) return false;
  const DEVICE_OBJECT* holder = irp.current().DeviceObject;
  return holder != one.device && holder->DriverObject != one.device->DriverObject;
}

// DOC: VER-192
void IoManager::look_at_sender(const IrpFacts& facts, DEVICE_OBJECT* device, const CodePlace& where) {
  const Dispatched* own = dispatch_of(facts, where);
  if (own == nullptr) return;
  if (is_below(facts, *own))
    services_.broken("VER-192", "0xC9/0x205", fmt::format("IRP {} is forwarded while a driver below still has it: STATUS_PENDING of that driver was not heeded", facts.serial), where);
  const DeviceFacts* from = devices_.find(own->device);
  if (from == nullptr || from->below == nullptr || from->below == device) return;
  for (const DeviceFacts* at = devices_.find(from->below); at != nullptr && at->below != nullptr; at = devices_.find(at->below))
    if (at->below == device)
      return services_.broken("VER-192", "0xC9/0x211", fmt::format("IRP {} is sent past the device next below: it belongs to the device that IoAttachDeviceToDeviceStack returned", facts.serial), where);
}

// DOC: BUF-08 one method for a request, in every driver of the stack; only the highest may use "neither" above others.
void IoManager::look_at_method(DeviceFacts& to, const Irp& irp, const CodePlace& where) {
  if (!to.served && (to.device->Flags & DO_DEVICE_INITIALIZING) == 0) look_at_flags(to);
  const unsigned major = irp.current().MajorFunction;
  if (!is_read_or_write(major) || irp.current().Parameters.Read.Length == 0 || (irp->Flags & IRP_ASSOCIATED_IRP) != 0) return;
  const AccessMethod method = method_of_flags(to.device->Flags);
  const bool lacks = method == AccessMethod::direct ? irp->MdlAddress == nullptr
                     : method == AccessMethod::buffered ? irp->AssociatedIrp.SystemBuffer == nullptr : false;
  if (lacks && where.rip != 0)
    services_.broken("BUF-08", "", fmt::format("{} was sent to a device that uses {} I/O, without {}", name_of_major(major), name_of(method),
                                               method == AccessMethod::direct ? "an MDL in MdlAddress" : "a system buffer"), where);
}

// Looked at with the first request: a driver sets the flags after it has created, and attached, its device.
void IoManager::look_at_flags(DeviceFacts& facts) {
  facts.served = true;
  const ULONG own = facts.device->Flags & kMethodFlags;
  const ULONG alignment = facts.device->AlignmentRequirement;
  if ((alignment & (alignment + 1)) != 0)  // DOC: BUF-101
    services_.broken("BUF-101", "", fmt::format("the AlignmentRequirement of the device object is {:#x}: it is a mask, one less than a power of two", alignment), facts.made_at);
  if (own == kMethodFlags)  // DOC: BUF-03 VER-74
    services_.broken("BUF-03", "0xC9/0x245", "the device object has both DO_BUFFERED_IO and DO_DIRECT_IO; buffered I/O wins", facts.made_at);
  if (facts.below == nullptr) return;
  const ULONG below = facts.below->Flags & kMethodFlags;
  const DeviceFacts* bottom = devices_.find(facts.below);
  if (below == 0 && bottom != nullptr && bottom->physical) return;  // a function driver chooses the method of its stack
  const bool manages_its_buffers = own == 0 && facts.device->AttachedDevice == nullptr;  // the highest-level driver
  if (own != below && !manages_its_buffers)  // DOC: BUF-09 VER-74
    services_.broken("BUF-09", "0xC9/0x244", fmt::format("the device object uses {} I/O, and the one it is attached to {} I/O", name_of(method_of_flags(own)), name_of(method_of_flags(below))), facts.made_at);
  if (own == 0 && facts.device->AttachedDevice != nullptr)  // DOC: BUF-10
    services_.broken("BUF-10", "0xC9/0x244", "the device object of an intermediate driver has neither DO_BUFFERED_IO nor DO_DIRECT_IO", facts.made_at);
}

// DOC: VER-72 VER-73 VER-113 VER-114 BUF-84 BUF-86
void IoManager::returned(IRP* raw, std::uint64_t serial, std::uint64_t id, NTSTATUS status) {
  IrpFacts* facts = book_.find(raw, serial);
  if (facts == nullptr) return;  // freed long ago
  for (Dispatched& one : facts->dispatches) {
    if (one.id != id) continue;
    one.returned = true;
    one.status_returned = status;
    judge(*facts, one);
    break;
  }
  facts->drop_settled();
}

// A dispatch routine has returned, or its stack location has been passed: with both, everything is known.
void IoManager::judge(const IrpFacts& facts, const Dispatched& one) {
  if (!services_.call.checking() || one.routine == 0) return;
  const CodePlace routine{.rip = one.routine, .rsp = 0, .rbp = 0, .is_return_address = false};
  const char* major = name_of_major(one.major);
  const bool pending = one.status_returned == STATUS_PENDING;
  if (one.returned && !one.passed && !pending)
    services_.broken("VER-72", "0xC9/0x226", fmt::format("the dispatch routine for {} returned {:#010x} for IRP {}, which it has neither completed nor passed on to a driver that did: "
                                                         "it owes STATUS_PENDING", major, static_cast<std::uint32_t>(one.status_returned), facts.serial), routine);
  if (!one.returned || !one.passed) return;
  if (pending && !one.marked)
    services_.broken("VER-73", "0xC9/0x23D", fmt::format("the dispatch routine for {} returned STATUS_PENDING for IRP {} without IoMarkIrpPending", major, facts.serial), routine);
  if (!pending && one.marked)
    services_.broken("VER-73", "0xC9/0x23E", fmt::format("the dispatch routine for {} marked IRP {} pending and returned {:#010x}", major, facts.serial,
                                                         static_cast<std::uint32_t>(one.status_returned)), routine);
  if (!pending && !one.marked && one.status_returned != one.status_passed)
    services_.broken("VER-72", "0xC9/0x224", fmt::format("the dispatch routine for {} returned {:#010x} for IRP {}, whose IoStatus.Status was {:#010x}", major,
                                                         static_cast<std::uint32_t>(one.status_returned), facts.serial, static_cast<std::uint32_t>(one.status_passed)), routine);
}

}  // namespace drydock
