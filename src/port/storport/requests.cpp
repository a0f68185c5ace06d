// Requests, down and up: queue, map, HwStorBuildIo, HwStorStartIo; notification, completion DPC, retry. DOC: ST-01 ST-03

#include <algorithm>
#include <cstring>
#include <utility>

#include "port/storport/adapter.h"

namespace drydock::storport {

namespace {

constexpr Nanoseconds kBusyPause = 250 * kMillisecond;  // DOC: ST-114
constexpr std::uint8_t kBusyRetryCount = 20;
constexpr std::uint32_t kQueueFullWaitPercent = 25;     // DOC: ST-115
constexpr std::uint8_t kScsiBusy = 0x08, kScsiQueueFull = 0x28;
constexpr std::uint8_t kStatusMask = 0x3F;

}  // namespace

// --- down -------------------------------------------------------------------------------------------------------------------

bool Adapter::may_start(const LogicalUnit& unit) const {
  return paused_until_ == 0 && (busy_for_ | resets_) == 0 && outstanding_ < claims_.ios_max && unit.ready();
}

void Adapter::submit(Request& request) {
  LogicalUnit& unit = *request.unit;
  if (phase_ != Phase::running) [[unlikely]] return fail(request, SRB_STATUS_NO_HBA);
  request.state = Request::State::queued;
  if (unit.waiting.empty() && may_start(unit)) {
    if (start(request)) return;
  }
  if (unit.gone) [[unlikely]] return fail(request, SRB_STATUS_NO_DEVICE);
  unit.waiting.push(request);
}

void Adapter::start_waiting(LogicalUnit& unit) {
  while (!unit.waiting.empty() && may_start(unit)) {
    Request* request = unit.waiting.pop();
    if (start(*request)) continue;
    unit.waiting.push_front(*request);
    return;
  }
}

// By index: while a driver call lets the other CPU run, a unit may be added.
void Adapter::start_waiting_everywhere() {
  for (std::size_t i = 0; i < units_.size(); ++i) start_waiting(*units_[i]);
}

// Adapter or unit do not work (any more): the miniport never sees the request.
void Adapter::fail(Request& request, std::uint8_t srb_status) {
  const Irql outer = s_.scheduler.irql();
  if (outer < kDispatchLevel) s_.scheduler.raise_irql(kDispatchLevel);
  request.state = Request::State::idle;
  request.result = {srb_status, 0, 0};
  request.completed(request);
  s_.scheduler.lower_irql(outer);
}

void Adapter::fail_waiting() {
  for (std::size_t i = 0; i < units_.size(); ++i) fail_waiting(*units_[i], SRB_STATUS_NO_HBA);
}

void Adapter::fail_waiting(LogicalUnit& unit, std::uint8_t srb_status) {
  while (Request* request = unit.waiting.pop()) {
    if (std::exchange(request->in_line, false)) s_.registers.stop_waiting(*request);
    request->granted = {};
    fail(*request, srb_status);
  }
}

// False: no map registers now; the request stays queued and is started when some come back.
bool Adapter::start(Request& request) {
  if (request.direction != Request::Direction::none && !prepare_data(request)) return false;
  request.state = Request::State::started;
  request.serial = ++serial_;
  request.cpu_index = s_.scheduler.cpu().index;
  request.tag = request.srb.form() == Srb::Form::storage ? request.number : request.unit->tags.take();
  ++request.unit->outstanding;
  ++outstanding_;
  link_outstanding(request);
  present_data(request);
  pool_->lend(request);
  s_.trace.note([&] {
    return SrbStarted{request.serial, request.srb.function(), request.srb.opcode(), request.data_length, request.mapping.elements()};
  });
  const Irql outer = s_.scheduler.raise_irql(kDispatchLevel);
  if (build_io(request)) start_io(request);
  s_.scheduler.lower_irql(outer);
  return true;
}

bool Adapter::prepare_data(Request& request) {
  const DmaBuffer buffer{MdlView(request.mdl), request.data_offset, request.data_length,
                         request.direction == Request::Direction::in ? DmaDirection::from_device : DmaDirection::to_device};
  const std::span list(reinterpret_cast<DmaElement*>(request.list_host->List), claims_.breaks);
  if (request.in_line && !request.granted) return false;
  const MapOutcome outcome = request.in_line ? dma_->map_with(buffer, list, request.mapping, std::move(request.granted))
                                             : dma_->map(buffer, list, request.mapping, &request);
  request.in_line = outcome == MapOutcome::wait;
  CHECK(outcome == MapOutcome::mapped || outcome == MapOutcome::wait, "a request of {} bytes does not fit the adapter's limits",
        request.data_length);
  request.list_host->NumberOfElements = request.mapping.elements();
  return outcome == MapOutcome::mapped;
}

void Request::registers_granted(MapRegisterPool::Lease lease) {
  granted = std::move(lease);
  adapter->queue_restart();
}

// DOC: ST-40 ST-42 H-19 what the miniport may not touch is an address in the forbidden window.
bool Adapter::is_mapped(const Request& request) const {
  const std::uint8_t function = request.srb.function();
  if (function == SRB_FUNCTION_IO_CONTROL || function == SRB_FUNCTION_WMI) return true;
  switch (claims_.map_buffers) {
    case STOR_MAP_NO_BUFFERS: return false;
    case STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE: return true;
    default: return function != SRB_FUNCTION_EXECUTE_SCSI || !is_read_write(request.srb.opcode());
  }
}

void Adapter::present_data(Request& request) {
  const View view = is_mapped(request) ? View::system : View::forbidden;
  const LogicalUnit& unit = *request.unit;
  request.srb.present({.path = unit.path,
                       .target = unit.target,
                       .lun = unit.lun,
                       .sense_length = kSenseLength,
                       .tag = request.tag,
                       .data_length = request.data_length,
                       .data = request.direction == Request::Direction::none
                                   ? nullptr : s_.memory.in_view(view, reinterpret_cast<void*>(request.data_address)),
                       .extension = request.extension_driver,
                       .sense = request.sense_driver,
                       .original_request = request.original_driver});
}

// DOC: ST-49
void* Adapter::data_for_cpu(const Request& request) {
  if (pool_->shown_data() && request.state == Request::State::started) return pool_->shown_data()->show(request);
  return s_.memory.in_view(View::system, reinterpret_cast<void*>(request.data_address));
}

// DOC: ST-70 ST-71 no lock, DISPATCH_LEVEL; FALSE: the miniport completes the SRB itself.
bool Adapter::build_io(Request& request) {
  if (miniport_.data.HwBuildIo == nullptr) return true;
  const std::uint64_t serial = request.serial;
  const bool built = s_.call("HwStorBuildIo", EntryKind::routine, miniport_.data.HwBuildIo, extension_,
                             static_cast<PSCSI_REQUEST_BLOCK>(request.srb_driver)) != FALSE;
  if (!built || (request.state == Request::State::started && request.serial == serial)) [[likely]] return built;
  s_.trace.emit(RuleBroken{"ST-71", "", fmt::format("HwStorBuildIo completed SRB {} and returned TRUE", serial), {}});
  return false;
}

// DOC: ST-72 ST-73. The request may be completed, and even used again, when the routine returns: it is not touched after.
void Adapter::start_io(Request& request) {
  void* srb = request.srb_driver;
  lock_start_io();
  s_.call("HwStorStartIo", EntryKind::routine, miniport_.data.HwStartIo, extension_, static_cast<PSCSI_REQUEST_BLOCK>(srb));
  unlock_start_io();
}

void Adapter::link_outstanding(Request& request) {
  request.deadline = s_.scheduler.now() + request.srb.timeout() * kSecond;
  request.older = newest_;
  request.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &request;
  newest_ = &request;
  request.escalation = 0;
  if (!timeout_.pending() || request.deadline < timeout_.due()) arm_timeout();
}

// --- up ---------------------------------------------------------------------------------------------------------------------

// DOC: ST-121 each SRB once, with a final status; afterwards it belongs to Storport.
void Adapter::check_completion(Request& request, CallSite where) {
  const std::uint8_t status = request.srb.srb_status();
  if ((status & kStatusMask) == SRB_STATUS_PENDING)  // DOC: VER-102
    s_.trace.emit(RuleBroken{"VER-102", "", fmt::format("SRB {} was completed with SrbStatus SRB_STATUS_PENDING", request.serial), where});
  else if ((status & SRB_STATUS_QUEUE_FROZEN) != 0 || (status & kStatusMask) == SRB_STATUS_INTERNAL_ERROR)
    s_.trace.emit(RuleBroken{"ST-121", "", fmt::format("SRB {} was completed with SrbStatus {:#04x}, which only the port driver sets",
                                                       request.serial, status), where});
}

// With --checks all.
void Adapter::check_slot(const Request& request, CallSite where) {
  pool_->shown_data()->end(request);
  for (SlotGuard::Offence& offence : pool_->slot_guard()->inspect(request))
    s_.trace.emit(RuleBroken{offence.rule, offence.code, std::move(offence.message), where});
}

// Too late: nobody waits for it any more, only its slot comes back.
void Adapter::complete_abandoned(Request& request) {
  if (pool_->shown_data()) pool_->shown_data()->end(request);
  if (s_.checking()) pool_->take_back(request);
  give_tag_back(request);
  if (request.released) return pool_->give_back(request);
  request.state = Request::State::idle;
}

// False: it is not the driver's to complete.
MSABI bool Adapter::may_complete(Request& request, CallSite where) noexcept {
  if (request.state == Request::State::abandoned) return complete_abandoned(request), false;
  if (request.state != Request::State::started) {
    s_.trace.emit(RuleBroken{"VER-45", "0xF1/0x2004", fmt::format("SRB {} was completed twice", request.serial), where});
    return false;
  }
  if (s_.checking()) {
    check_completion(request, where);
    if (pool_->slot_guard()) [[unlikely]] check_slot(request, where);
    pool_->take_back(request);
  }
  return true;
}

void Adapter::CompletionDpc::run() {
  while (Request* request = done.pop()) adapter_.finish(*request);
}

void Adapter::count(const Request& request) {
  ++statistics_.ios;
  if (request.direction == Request::Direction::none) return;
  statistics_.bytes += request.result.transferred;
  ++(request.direction == Request::Direction::in ? statistics_.reads : statistics_.writes);
  const std::uint32_t elements = request.mapping.elements();
  ++statistics_.lists;
  statistics_.elements += elements;
  statistics_.elements_min = std::min(statistics_.elements_min, elements);
  statistics_.elements_max = std::max(statistics_.elements_max, elements);
  statistics_.bounced_pages += request.mapping.registers_used();
}

void Adapter::give_tag_back(Request& request) {
  if (request.srb.form() == Srb::Form::scsi && request.tag != SP_UNTAGGED)
    request.unit->tags.give_back(static_cast<std::uint8_t>(request.tag));
}

// The miniport has one request less. True: that may let requests of other units start.
bool Adapter::settle(Request& request) {
  LogicalUnit& unit = *request.unit;
  const bool others = busy_for_ == 1 || outstanding_ == claims_.ios_max;
  --unit.outstanding;
  --outstanding_;
  if (busy_for_ != 0) --busy_for_;
  if (unit.busy_for != 0) --unit.busy_for;
  if (outstanding_ == 0 && waits_for_last_ != nullptr) s_.scheduler.wake(*std::exchange(waits_for_last_, nullptr));
  return others;
}

void Adapter::finish(Request& request) {
  LogicalUnit& unit = *request.unit;
  const Srb& srb = request.srb;
  request.result = {srb.srb_status(), srb.scsi_status(), std::min(srb.data_length(), request.data_length)};
  count(request);
  if (request.direction != Request::Direction::none) request.mapping.flush();
  s_.trace.note([&] {
    return SrbCompleted{request.serial, srb.srb_status(), srb.scsi_status(), srb.data_length()};
  });
  const bool others = settle(request);
  give_tag_back(request);
  request.state = Request::State::idle;
  if (!retry_busy(request)) request.completed(request);
  if (others) start_waiting_everywhere();
  else if (!unit.waiting.empty()) start_waiting(unit);
}

// DOC: ST-114 BUSY is retried after a pause with a new SRB extension; DOC: ST-115 QUEUE FULL waits for a quarter of the
// outstanding requests. Each of those waits ends, so that only the pauses are counted.
bool Adapter::retry_busy(Request& request) {
  const std::uint8_t scsi = request.result.scsi_status;
  const bool busy = (request.result.srb_status & kStatusMask) == SRB_STATUS_BUSY || scsi == kScsiBusy;
  if (!busy && scsi != kScsiQueueFull) [[likely]] return false;
  LogicalUnit& unit = *request.unit;
  if (request.srb.function() != SRB_FUNCTION_EXECUTE_SCSI || phase_ != Phase::running || unit.gone) return false;
  const bool waits_for_others = !busy && unit.outstanding != 0;
  if (!waits_for_others && request.busy_retries++ >= kBusyRetryCount) return false;
  request.state = Request::State::queued;
  unit.waiting.push_front(request);
  if (waits_for_others) {
    unit.busy_for = std::max<std::uint32_t>(1, unit.outstanding * kQueueFullWaitPercent / 100);
    return true;
  }
  unit.held_until = s_.scheduler.now() + kBusyPause;
  arm_hold_end();
  return true;
}

// DOC: ST-124
void Adapter::complete_all(std::uint8_t path, std::uint8_t target, std::uint8_t lun, std::uint8_t srb_status, CallSite where) {
  const auto in_scope = [](std::uint8_t asked, std::uint8_t is) { return asked == SP_UNTAGGED || asked == is; };
  for (Request *r = oldest_, *next = nullptr; r != nullptr; r = next) {
    next = r->newer;
    if (!in_scope(path, r->unit->path) || !in_scope(target, r->unit->target) || !in_scope(lun, r->unit->lun)) continue;
    r->srb.set_srb_status(srb_status);
    request_complete(*r, where);
  }
}

Request* Adapter::find_tagged(std::uint8_t path, std::uint8_t target, std::uint8_t lun, LONG tag) const {
  for (Request* r = oldest_; r != nullptr; r = r->newer) {
    const bool wanted = tag == SP_UNTAGGED || static_cast<std::uint32_t>(tag) == r->tag;
    if (wanted && r->unit->is_at(path, target, lun)) return r;
  }
  return nullptr;
}

Request* Adapter::take_request() {
  Request* request = pool_->take();
  if (request != nullptr) request->adapter = this;
  return request;
}

Request* Adapter::find_data(std::uint64_t offset) const {
  for (Request* r = oldest_; r != nullptr; r = r->newer) {
    const auto start = s_.memory.find(r->data_address);
    if (r->data_length != 0 && start && offset - start->offset < r->data_length) return r;
  }
  return nullptr;
}

}  // namespace drydock::storport
