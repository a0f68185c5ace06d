#include "io/irp_builder.h"

#include <algorithm>
#include <cstring>

#include "io/access_method.h"
#include "io/device_objects.h"
#include "io/request_buffers.h"
#include "mem/mdl_view.h"

namespace drydock {

namespace {
constexpr std::uint32_t kMdlTag = 0x206C644D;  // 'Mdl '
}

IrpFacts* IrpBuilder::transfer(const Transfer& wanted, IrpOrigin origin, const CodePlace& where) {
  IrpFacts* facts = book_.allocate(wanted.target->StackSize, origin, where);
  if (facts == nullptr) return nullptr;
  const Irp irp(facts->irp);
  IO_STACK_LOCATION& next = irp.next();
  next.MajorFunction = static_cast<UCHAR>(wanted.major);
  irp->Tail.Overlay.Thread = static_cast<PETHREAD>(services_.scheduler.thread() == nullptr ? nullptr : services_.scheduler.thread()->kthread);
  if (wanted.major != IRP_MJ_READ && wanted.major != IRP_MJ_WRITE) return facts;
  next.Parameters.Read.Length = wanted.buffer.length;
  next.Parameters.Read.ByteOffset.QuadPart = wanted.offset;
  irp->Flags = wanted.major == IRP_MJ_READ ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
  if (place_transfer(*facts, wanted, where)) return facts;
  book_.free(*facts, {});
  return nullptr;
}

// By the flags of the device it is for. DOC: BUF-01 BUF-93
bool IrpBuilder::place_transfer(IrpFacts& facts, const Transfer& wanted, const CodePlace& where) {
  const bool is_read = wanted.major == IRP_MJ_READ;
  const AccessMethod method = method_of_flags(wanted.target->Flags);
  facts.irp->UserBuffer = wanted.buffer.address;
  if (wanted.buffer.length == 0 || method == AccessMethod::neither) return true;
  if (method == AccessMethod::direct) return lock(facts, wanted.buffer, is_read, where);
  if (is_read) facts.output = wanted.buffer.alias, facts.output_length = wanted.buffer.length;
  if (is_read) facts.irp->Flags |= IRP_INPUT_OPERATION;
  return system_buffer(facts, wanted.buffer.length, is_read ? DriverRange{} : wanted.buffer, where) != nullptr;
}

std::byte* IrpBuilder::system_buffer(IrpFacts& facts, std::uint32_t length, const DriverRange& in, const CodePlace& where) {
  const bool builders_own = facts.origin == IrpOrigin::asynchronous;  // who builds it frees its system buffer
  auto* buffer = static_cast<std::byte*>(builders_own ? services_.pool.allocate(length, PoolKind::nonpaged, kSystemBufferTag, where) : services_.pool.allocate_shown(length, kSystemBufferTag));
  if (buffer == nullptr) return nullptr;
  if (in.length != 0) std::memcpy(buffer, in.alias, in.length);
  facts.irp->AssociatedIrp.SystemBuffer = buffer;
  facts.irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
  if (!builders_own) facts.system_buffer = buffer;
  return buffer;
}

bool IrpBuilder::lock(IrpFacts& facts, const DriverRange& buffer, bool device_writes, const CodePlace& where) {
  auto address = reinterpret_cast<std::uint64_t>(buffer.address);
  if (!services_.memory.find(address) && !services_.mappings.in_arena(address)) {
    facts.substitute = static_cast<std::byte*>(services_.pool.allocate(buffer.length, PoolKind::nonpaged, kSystemBufferTag));
    if (facts.substitute == nullptr) return false;
    std::memcpy(facts.substitute, buffer.alias, buffer.length);
    if (device_writes) facts.substituted = buffer.alias, facts.substituted_length = buffer.length;
    address = reinterpret_cast<std::uint64_t>(facts.substitute);
  }
  const bool builders_own = facts.origin == IrpOrigin::asynchronous;  // who builds it unlocks and frees the MDL
  const std::size_t room = MdlView::size_of(address, buffer.length);
  void* storage = services_.pool.allocate(room, PoolKind::nonpaged, kMdlTag, builders_own ? where : CodePlace{});
  if (storage == nullptr) return false;
  MDL* mdl = MdlView::format(storage, address, buffer.length).raw();
  if (builders_own) services_.mdls.allocated(mdl, room);
  const LockRequest request{.for_write = device_writes, .current = services_.scheduler.process(), .owner = builders_own ? LockOwner::driver : LockOwner::io_manager, .irp = facts.irp, .place = where};
  if (!services_.mdls.lock(mdl, request)) return services_.mdls.forget(mdl), (void)services_.pool.free(storage), false;
  facts.irp->MdlAddress = mdl;
  return true;
}

IrpFacts* IrpBuilder::control(const Control& wanted, const CodePlace& where) {
  IrpFacts* facts = book_.allocate(wanted.target->StackSize, IrpOrigin::threaded, where);
  if (facts == nullptr) return nullptr;
  const Irp irp(facts->irp);
  IO_STACK_LOCATION& next = irp.next();
  next.MajorFunction = wanted.internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
  next.Parameters.DeviceIoControl.IoControlCode = wanted.code;
  next.Parameters.DeviceIoControl.InputBufferLength = wanted.in.length;
  next.Parameters.DeviceIoControl.OutputBufferLength = wanted.out.length;
  irp->Tail.Overlay.Thread = static_cast<PETHREAD>(services_.scheduler.thread() == nullptr ? nullptr : services_.scheduler.thread()->kthread);
  if (place_control(*facts, wanted)) return facts;
  book_.free(*facts, {});
  return nullptr;
}

// By the transfer type of the code. DOC: BUF-04 BUF-23 BUF-42 BUF-61
bool IrpBuilder::place_control(IrpFacts& facts, const Control& wanted) {
  const ControlCode::Method method = ControlCode::of(wanted.code).method;
  facts.irp->UserBuffer = wanted.out.address;
  if (method == ControlCode::Method::neither) {
    Irp(facts.irp).next().Parameters.DeviceIoControl.Type3InputBuffer = wanted.in.address;
    return true;
  }
  const bool buffered = method == ControlCode::Method::buffered;
  const std::uint32_t length = buffered ? std::max(wanted.in.length, wanted.out.length) : wanted.in.length;
  if (length != 0 && system_buffer(facts, length, wanted.in, {}) == nullptr) return false;
  if (!buffered) return wanted.out.length == 0 || lock(facts, wanted.out, method == ControlCode::Method::out_direct, {});
  if (wanted.out.length != 0) facts.irp->Flags |= IRP_INPUT_OPERATION;
  facts.output = wanted.out.alias, facts.output_length = wanted.out.length;
  return true;
}

}  // namespace drydock
