#include "io/client_request.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

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

RequestAnswer ClientRequest::perform(std::uint64_t poison, std::vector<std::uint32_t>* suspects) {
  RequestAnswer answer;
  if (answer.status = refuse(); answer.status != STATUS_SUCCESS) return answer;
  DEVICE_OBJECT* top = DeviceObjects::top_of(file_.device);
  facts_ = manager_.book().allocate(top->StackSize, IrpOrigin::request, {});
  if (facts_ == nullptr) return answer.status = STATUS_INSUFFICIENT_RESOURCES, answer;
  const Irp irp(facts_->irp);
  facts_->owner = this;
  fill(irp);
  RequestBuffers buffers(manager_.services(), spaces_, process_);
  if (answer.status = prepare(irp, buffers, poison); answer.status != STATUS_SUCCESS) return buffers.release(), release_irp(), answer;
  facts_->output_length = buffers.output_length();
  irp_is_back_ = false;
  const Giving giving(process_, parameters_, top->Flags);
  const NTSTATUS at_once = manager_.call_driver(top, irp.raw(), {});
  answer.reached_driver = true;
  submitted_ = true;
  if (!irp_is_back_ && !await()) {
    buffers.keep();
    answer.given_up = true;
    return answer.status = STATUS_UNSUCCESSFUL, answer;
  }
  facts_ = nullptr;
  answer.information = ended_.status.Information;
  answer.status_block_written = at_once == STATUS_PENDING || static_cast<std::uint32_t>(ended_.status.Status) >> 30 != 3;  // DOC: BUF-82
  answer.status = buffers.finish(ended_);
  *suspects = buffers.suspects();
  return answer;
}

void ClientRequest::release_irp() { manager_.book().free(*std::exchange(facts_, nullptr), {}); }

// --- waiting --------------------------------------------------------------------------------------------------------------

void ClientRequest::completed(IRP* irp) {
  ended_ = {irp->IoStatus, irp->Flags};
  completer_ = facts_->completed_by;
  irp_is_back_ = true;
  if (waiting_ != nullptr) manager_.services().scheduler.wake(*std::exchange(waiting_, nullptr));
}

bool ClientRequest::wait_for(Nanoseconds time) {
  struct Alarm final : Event {
    explicit Alarm(ClientRequest& r) : request(r) {}
    ~Alarm() override = default;
    void fire() override {
      if (request.waiting_ != nullptr) request.manager_.services().scheduler.wake(*std::exchange(request.waiting_, nullptr));
    }
    ClientRequest& request;
  } alarm(*this);
  Scheduler& scheduler = manager_.services().scheduler;
  scheduler.timeline().schedule(alarm, time);
  while (!irp_is_back_ && alarm.pending()) {
    waiting_ = scheduler.thread();
    scheduler.block();
  }
  return irp_is_back_;
}

bool ClientRequest::await() {
  if (wait_for(kPatience)) return true;
  manager_.cancel(facts_->irp, {});
  if (irp_is_back_ || wait_for(kPatience)) return true;
  give_up();
  return false;
}

bool ClientRequest::cancel() { return facts_ != nullptr && !irp_is_back_ && manager_.cancel(facts_->irp, {}); }

// DOC: DRY-21
void ClientRequest::give_up() {
  facts_->owner = nullptr;
  const IrpFacts& facts = *std::exchange(facts_, nullptr);
  const Dispatched* holder = nullptr;
  for (const Dispatched& one : facts.dispatches)
    if (!one.passed && (holder == nullptr || one.location <= holder->location)) holder = &one;
  const CodePlace routine{.rip = holder == nullptr ? 0 : holder->routine, .rsp = 0, .rbp = 0, .is_return_address = false};
  manager_.services().broken("DRY-21", "", fmt::format("{} was never completed (IRP {}, waited for {} s, cancelled, waited for {} s more): the dispatch routine that had it last",
                                                       name_of_major(parameters_.major), facts.serial, kPatience / kSecond, kPatience / kSecond), routine);
}

// DOC: BUF-112 the same request again, over another pattern.
void ClientRequest::prove_leak(const std::vector<std::uint32_t>& first) {
  const CodePlace completed_at{.rip = completer_.empty() ? 0 : completer_.front(), .rsp = 0, .rbp = 0, .is_return_address = true};
  std::vector<std::uint32_t> second;
  perform(kSecondPoison, &second);
  const std::vector<std::uint32_t> leaked = in_both(first, second);
  if (leaked.empty()) return;
  manager_.services().broken("BUF-27", "", fmt::format("{} byte{} of the system buffer that nobody wrote {} returned to the caller, the first at +{:#x}: IoStatus.Information covers more than the driver filled in",
                                                       leaked.size(), leaked.size() == 1 ? "" : "s", leaked.size() == 1 ? "was" : "were", leaked.front()), completed_at);
}

}  // namespace drydock
