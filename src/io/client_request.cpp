#include "io/client_request.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "abi/wdk_io.h"
#include "io/double_fetch.h"

namespace drydock {

namespace {

constexpr std::uint64_t kFirstPoison = 0x51ED, kSecondPoison = 0xB0A7;

bool is_control(unsigned major) { return major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL; }
bool is_query_or_set(unsigned major) {
  return major == IRP_MJ_QUERY_INFORMATION || major == IRP_MJ_SET_INFORMATION || major == IRP_MJ_QUERY_VOLUME_INFORMATION ||
         major == IRP_MJ_SET_VOLUME_INFORMATION;
}

/// What becomes of the client's two buffers. DOC: BUF-01 BUF-04
std::pair<GivenAs, GivenAs> given_as(const RequestParameters& p, ULONG device_flags) {
  constexpr GivenAs kByMethod[] = {GivenAs::buffered, GivenAs::direct, GivenAs::raw};
  if (p.major == IRP_MJ_READ || p.major == IRP_MJ_WRITE) {
    const GivenAs as = kByMethod[static_cast<std::size_t>(method_of_flags(device_flags))];
    return {as, as};
  }
  if (!is_control(p.major)) return {GivenAs::buffered, GivenAs::buffered};
  switch (ControlCode::of(p.code).method) {
    case ControlCode::Method::buffered: return {GivenAs::buffered, GivenAs::buffered};
    case ControlCode::Method::neither: return {GivenAs::raw, GivenAs::raw};
    default: return {GivenAs::buffered, GivenAs::direct};
  }
}

/// The client's buffers are known to be given to drivers for as long as this lives.
class Giving {
 public:
  Giving(AddressSpace& process, const RequestParameters& p, ULONG device_flags) : process_(process) {
    const auto [in, out] = given_as(p, device_flags);
    ranges_[0] = {p.in.address, p.in.length, in};
    ranges_[1] = {p.out.address, p.out.length, out};
    for (const GivenRange& range : ranges_) process_.given.begin(range);
  }
  ~Giving() {
    for (const GivenRange& range : ranges_) process_.given.end(range);
  }
  Giving(const Giving&) = delete;
  Giving& operator=(const Giving&) = delete;

 private:
  AddressSpace& process_;
  GivenRange ranges_[2];
};

/// Bytes that follow the pattern in both runs were never written. DOC: BUF-27
std::vector<std::uint32_t> in_both(const std::vector<std::uint32_t>& first, const std::vector<std::uint32_t>& second) {
  std::vector<std::uint32_t> both;
  std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both));
  return both;
}

}  // namespace

void ClientRequest::run() {
  Scheduler& scheduler = manager_.services().scheduler;
  scheduler.thread()->process = &process_;
  std::vector<std::uint32_t> suspects;
  if (may_be_watched()) perform_watched(&suspects);
  else answer_ = perform(kFirstPoison, &suspects);
  if (!suspects.empty()) prove_leak(suspects);
  submitted_ = done_ = true;
  scheduler.thread()->process = nullptr;
}

/// One request at a time is watched; opening and closing is made once only.
bool ClientRequest::may_be_watched() const {
  FetchWatch* watch = spaces_.fetches();
  return watch != nullptr && !watch->watching() && (parameters_.major == IRP_MJ_READ || parameters_.major == IRP_MJ_WRITE || is_control(parameters_.major));
}

// DOC: VER-110 the same request again, with bytes changed between two reads of them.
void ClientRequest::perform_watched(std::vector<std::uint32_t>* suspects) {
  DoubleFetch trial(manager_.services(), spaces_, process_, parameters_);
  trial.begin();
  answer_ = perform(kFirstPoison, suspects);
  trial.judge(answer_, [this] {
    std::vector<std::uint32_t> ignored;
    return perform(kFirstPoison, &ignored);
  });
}

// DOC: BUF-06 BUF-13 what the I/O manager answers itself.
NTSTATUS ClientRequest::refuse() const {
  const unsigned major = parameters_.major;
  if (major == IRP_MJ_INTERNAL_DEVICE_CONTROL) return STATUS_INVALID_DEVICE_REQUEST;
  if (major == IRP_MJ_DEVICE_CONTROL && !ControlCode::of(parameters_.code).allowed_to(file_.access)) return STATUS_ACCESS_DENIED;
  if (major == IRP_MJ_READ && (file_.access & FILE_READ_ACCESS) == 0) return STATUS_ACCESS_DENIED;
  if (major == IRP_MJ_WRITE && (file_.access & FILE_WRITE_ACCESS) == 0) return STATUS_ACCESS_DENIED;
  return STATUS_SUCCESS;
}

NTSTATUS ClientRequest::prepare(Irp irp, RequestBuffers& buffers, std::uint64_t poison) const {
  const RequestParameters& p = parameters_;
  if (p.major == IRP_MJ_READ || p.major == IRP_MJ_WRITE)  // DOC: BUF-01
    return buffers.prepare_transfer(irp, method_of_flags(DeviceObjects::top_of(file_.device)->Flags), p.major == IRP_MJ_READ ? p.out : p.in, p.major == IRP_MJ_READ, poison);
  if (is_control(p.major)) return buffers.prepare_control(irp, ControlCode::of(p.code).method, p.in, p.out, poison);
  return is_query_or_set(p.major) ? buffers.prepare_buffered(irp, p.in, p.out, poison) : STATUS_SUCCESS;
}

// DOC: BUF-22
void ClientRequest::fill(Irp irp) const {
  const RequestParameters& p = parameters_;
  IO_STACK_LOCATION& next = irp.next();
  next.MajorFunction = static_cast<UCHAR>(p.major);
  next.MinorFunction = static_cast<UCHAR>(p.minor);
  next.FileObject = file_.file;
  if (p.major == IRP_MJ_READ || p.major == IRP_MJ_WRITE) {
    next.Parameters.Read.Length = p.major == IRP_MJ_READ ? p.out.length : p.in.length;
    next.Parameters.Read.ByteOffset.QuadPart = static_cast<LONGLONG>(p.offset);
  } else if (is_control(p.major)) {
    next.Parameters.DeviceIoControl.IoControlCode = p.code;
    next.Parameters.DeviceIoControl.InputBufferLength = p.in.length;
    next.Parameters.DeviceIoControl.OutputBufferLength = p.out.length;
  } else if (is_query_or_set(p.major)) {
    next.Parameters.QueryFile.Length = std::max(p.in.length, p.out.length);
    next.Parameters.QueryFile.FileInformationClass = static_cast<FILE_INFORMATION_CLASS>(p.information);
  }
  irp->RequestorMode = UserMode;
  irp->Tail.Overlay.Thread = static_cast<PETHREAD>(manager_.services().scheduler.thread()->kthread);
  irp->Tail.Overlay.OriginalFileObject = file_.file;
}

// DOC: BUF-12 a driver that has a routine for it is asked first, with the addresses as the client gave them; it may refuse.
bool ClientRequest::try_fast(DEVICE_OBJECT* top, RequestAnswer& answer) const {
  const RequestParameters& p = parameters_;
  if (p.major != IRP_MJ_DEVICE_CONTROL || top->DriverObject->FastIoDispatch == nullptr) return false;
  const auto* table = reinterpret_cast<const FAST_IO_DISPATCH*>(manager_.host().memory_at(top->DriverObject->FastIoDispatch, sizeof(FAST_IO_DISPATCH), false));
  if (table == nullptr || table->SizeOfFastIoDispatch <= offsetof(FAST_IO_DISPATCH, FastIoDeviceControl) || table->FastIoDeviceControl == nullptr) return false;
  IO_STATUS_BLOCK status{};
  const auto address = [](const UserRange& range) { return reinterpret_cast<PVOID>(range.address); };
  if (!manager_.services().call("FastIoDeviceControl", EntryKind::routine, table->FastIoDeviceControl, file_.file, BOOLEAN{TRUE}, address(p.in), p.in.length, address(p.out),
                                p.out.length, p.code, &status, top))
    return false;
  answer = {.status = status.Status, .information = status.Information, .reached_driver = true, .status_block_written = true, .given_up = false};
  return true;
}

RequestAnswer ClientRequest::perform(std::uint64_t poison, std::vector<std::uint32_t>* suspects) {
  RequestAnswer answer;
  if (answer.status = refuse(); answer.status != STATUS_SUCCESS) return answer;
  DEVICE_OBJECT* top = DeviceObjects::top_of(file_.device);
  if (try_fast(top, answer)) return answer;
  IrpFacts* facts = manager_.book().allocate(top->StackSize, IrpOrigin::request, {});
  if (facts == nullptr) return answer.status = STATUS_INSUFFICIENT_RESOURCES, answer;
  const Irp irp(facts->irp);
  waiter_.expect(*facts);
  fill(irp);
  RequestBuffers buffers(manager_.services(), spaces_, process_);
  if (answer.status = prepare(irp, buffers, poison); answer.status != STATUS_SUCCESS) return buffers.release(), waiter_.release(), answer;
  facts->output_length = buffers.output_length();
  const Giving giving(process_, parameters_, top->Flags);
  const NTSTATUS at_once = manager_.call_driver(top, irp.raw(), {});
  answer.reached_driver = true;
  submitted_ = true;
  if (!waiter_.await(parameters_.major)) {
    buffers.keep();
    answer.given_up = true;
    return answer.status = STATUS_UNSUCCESSFUL, answer;
  }
  const RequestBuffers::Ended& ended = waiter_.ended();
  answer.information = ended.status.Information;
  answer.status_block_written = at_once == STATUS_PENDING || static_cast<std::uint32_t>(ended.status.Status) >> 30 != 3;  // DOC: BUF-82
  answer.status = buffers.finish(ended);
  *suspects = buffers.suspects();
  return answer;
}

// DOC: BUF-112 the same request again, over another pattern.
void ClientRequest::prove_leak(const std::vector<std::uint32_t>& first) {
  const CodePlace completed_at{.rip = waiter_.completer().empty() ? 0 : waiter_.completer().front(), .rsp = 0, .rbp = 0, .is_return_address = true};
  std::vector<std::uint32_t> second;
  perform(kSecondPoison, &second);
  const std::vector<std::uint32_t> leaked = in_both(first, second);
  if (leaked.empty()) return;
  manager_.services().broken("BUF-27", "", fmt::format("{} byte{} of the system buffer that nobody wrote {} returned to the caller, the first at +{:#x}: IoStatus.Information covers more than the driver filled in",
                                                       leaked.size(), leaked.size() == 1 ? "" : "s", leaked.size() == 1 ? "was" : "were", leaked.front()), completed_at);
}

}  // namespace drydock
