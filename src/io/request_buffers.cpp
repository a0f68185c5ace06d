#include "io/request_buffers.h"

#include <algorithm>

#include "mem/mdl_view.h"

namespace drydock {

namespace {
constexpr std::uint32_t kMdlTag = 0x206C644D;  // 'Mdl '
}

bool RequestBuffers::accessible(const UserRange& range, bool write) const {
  if (range.length == 0) return true;
  const TouchJudgement judged = spaces_.judge({range.address, range.length, write, &process_, kPassiveLevel});
  return judged.verdict == TouchVerdict::ok && judged.owner != nullptr;
}

// DOC: BUF-20 nonpaged, of the request's size. DOC: BUF-27 what is not copied in is whatever was there.
NTSTATUS RequestBuffers::make_system_buffer(Irp irp, std::uint32_t length, const UserRange& in, std::uint64_t poison) {
  poison_ = poison;
  if (length == 0) return STATUS_SUCCESS;
  system_buffer_ = static_cast<std::byte*>(services_.pool.allocate_shown(length, kSystemBufferTag));
  if (system_buffer_ == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  system_length_ = length, initialised_ = in.length;
  if (services_.call.checking())
    for (std::uint32_t i = in.length; i < length; ++i) system_buffer_[i] = poison_byte(poison, i);
  if (in.length != 0 && !process_.read(in.address, {system_buffer_, in.length})) return STATUS_ACCESS_VIOLATION;
  irp->AssociatedIrp.SystemBuffer = system_buffer_;
  irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;  // DOC: BUF-31
  return STATUS_SUCCESS;
}

// DOC: BUF-40 BUF-44 no MDL for no bytes.
NTSTATUS RequestBuffers::lock(Irp irp, const UserRange& data, bool device_writes) {
  if (data.length == 0) return STATUS_SUCCESS;
  if (!accessible(data, device_writes)) return STATUS_ACCESS_VIOLATION;
  void* storage = services_.pool.allocate(MdlView::size_of(data.address, data.length), PoolKind::nonpaged, kMdlTag);
  if (storage == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  const MdlView mdl = MdlView::format(storage, data.address, data.length);
  mdl_ = mdl.raw();
  const LockRequest request{.for_write = device_writes, .of_user = true, .current = &process_, .owner = LockOwner::io_manager, .irp = irp.raw()};
  if (!services_.mdls.lock(mdl_, request)) return STATUS_ACCESS_VIOLATION;
  irp->MdlAddress = mdl_;
  return STATUS_SUCCESS;
}

// DOC: BUF-21 BUF-41 BUF-60
NTSTATUS RequestBuffers::prepare_transfer(Irp irp, AccessMethod method, const UserRange& data, bool is_read, std::uint64_t poison) {
  irp->UserBuffer = reinterpret_cast<PVOID>(data.address);
  irp->Flags |= is_read ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
  if (method == AccessMethod::direct) return lock(irp, data, is_read);
  if (method == AccessMethod::neither) return STATUS_SUCCESS;
  if (is_read) {
    if (!accessible(data, true)) return STATUS_ACCESS_VIOLATION;
    output_ = data;
    irp->Flags |= data.length == 0 ? 0 : IRP_INPUT_OPERATION;
  }
  return make_system_buffer(irp, data.length, is_read ? UserRange{} : data, poison);
}

// DOC: BUF-23 BUF-24 one buffer for both, of the longer one's size; the caller's own address in UserBuffer. DOC: BUF-32
NTSTATUS RequestBuffers::prepare_buffered(Irp irp, const UserRange& in, const UserRange& out, std::uint64_t poison) {
  if (out.address != 0 && !accessible(out, true)) return STATUS_ACCESS_VIOLATION;
  irp->UserBuffer = reinterpret_cast<PVOID>(out.address);
  const NTSTATUS made = make_system_buffer(irp, std::max(in.length, out.length), in, poison);
  if (made != STATUS_SUCCESS || out.address == 0 || out.length == 0) return made;
  output_ = out;
  irp->Flags |= IRP_INPUT_OPERATION;
  return STATUS_SUCCESS;
}

// DOC: BUF-42 BUF-43 the first buffer is copied, the second locked, for both directions. DOC: BUF-61
NTSTATUS RequestBuffers::prepare_control(Irp irp, ControlCode::Method method, const UserRange& in, const UserRange& out, std::uint64_t poison) {
  using Method = ControlCode::Method;
  if (method == Method::buffered) return prepare_buffered(irp, in, out, poison);
  if (method == Method::neither) {
    irp->UserBuffer = reinterpret_cast<PVOID>(out.address);
    irp.next().Parameters.DeviceIoControl.Type3InputBuffer = reinterpret_cast<PVOID>(in.address);
    return STATUS_SUCCESS;
  }
  if (const NTSTATUS made = make_system_buffer(irp, in.length, in, poison); made != STATUS_SUCCESS) return made;
  return lock(irp, out, method == Method::out_direct);
}

// DOC: BUF-25 BUF-33 as many bytes as the driver says, which is trusted; more than there are is told where it completes.
// DOC: BUF-81 nothing for an error.
NTSTATUS RequestBuffers::finish(const Ended& ended) {
  NTSTATUS status = ended.status.Status;
  if (output_.length != 0 && (ended.flags & IRP_INPUT_OPERATION) != 0 && returns_data(status)) {
    const auto bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>({ended.status.Information, output_.length, system_length_}));
    if (bytes != 0 && !process_.write(output_.address, {system_buffer_, bytes})) status = STATUS_ACCESS_VIOLATION;
    if (services_.call.checking()) suspect(bytes);
  }
  release();
  return status;
}

// Data may hold a byte of the pattern by chance, and a request must not be repeated for chance's sake: only runs count. Three
// bytes, the padding behind a UCHAR, come by chance in one of 16 million places; with --checks all two are enough.
void RequestBuffers::suspect(std::uint32_t bytes) {
  const std::uint32_t shortest = services_.call.checks() == CheckLevel::all ? 2 : 3;
  for (std::uint32_t start = initialised_; start < bytes;) {
    std::uint32_t end = start;
    while (end < bytes && system_buffer_[end] == poison_byte(poison_, end)) ++end;
    if (end - start >= shortest)
      for (std::uint32_t i = start; i < end; ++i) suspects_.push_back(i);
    start = end + 1;
  }
}

// DOC: BUF-47
void RequestBuffers::release() {
  if (mdl_ != nullptr) {
    services_.mdls.forget(mdl_);
    (void)services_.pool.free(std::exchange(mdl_, nullptr));
  }
  if (system_buffer_ != nullptr) (void)services_.pool.free(std::exchange(system_buffer_, nullptr));
}

}  // namespace drydock
