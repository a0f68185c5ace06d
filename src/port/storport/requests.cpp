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

LogicalUnit* Adapter::find_unit(std::uint8_t path, std::uint8_t target, std::uint8_t lun) {
  for (auto& unit : units_)
    if (unit->path == path && unit->target == target && unit->lun == lun) return unit.get();
  return nullptr;
}

LogicalUnit& Adapter::unit(std::uint8_t path, std::uint8_t target, std::uint8_t lun) {
  if (LogicalUnit* known = find_unit(path, target, lun)) return *known;
  units_.push_back(std::make_unique<LogicalUnit>());
  LogicalUnit& unit = *units_.back();
  unit.path = path;
  unit.target = target;
  unit.lun = lun;
  unit.depth = std::clamp<std::uint32_t>(claims_.initial_depth, 1, std::min(claims_.ios_per_unit, kLunDepthMax));
  if (claims_.unit_extension_bytes != 0) {
    constexpr std::uint32_t kTag = 0x456E754C;  // 'LunE'
    unit.extension = s_.pool.allocate(claims_.unit_extension_bytes, PoolKind::nonpaged, kTag);
    if (unit.extension != nullptr) std::memset(unit.extension, 0, claims_.unit_extension_bytes);
  }
  return unit;
}

void Adapter::forget(LogicalUnit& unit) {
  if (unit.outstanding != 0 || !unit.waiting.empty()) return;
  if (unit.extension != nullptr) (void)s_.pool.free(unit.extension);
  std::erase_if(units_, [&](const auto& each) { return each.get() == &unit; });
}

// --- down -------------------------------------------------------------------------------------------------------------------

bool Adapter::may_start(const LogicalUnit& unit) const {
  return !paused_ && busy_for_ == 0 && outstanding_ < claims_.ios_max && unit.ready();
}

void Adapter::submit(Request& request) {
  LogicalUnit& unit = *request.unit;
  request.state = Request::State::queued;
  if (unit.waiting.empty() && may_start(unit)) {
    if (start(request)) return;
  }
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

void Adapter::start_waiting_everywhere() {
  for (auto& unit : units_) start_waiting(*unit);
}

// False: no map registers now; the request stays queued and is started when some come back.
bool Adapter::start(Request& request) {
  if (request.direction != Request::Direction::none && !prepare_data(request)) return false;
  request.state = Request::State::started;
  request.serial = ++serial_;
  request.cpu_index = s_.scheduler.cpu().index;
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
  Srb& srb = request.srb;
  const View view = is_mapped(request) ? View::system : View::forbidden;
  void* data = request.direction == Request::Direction::none
                   ? nullptr : s_.memory.in_view(view, reinterpret_cast<void*>(request.data_address));
  srb.set_data(data, request.data_length);
  srb.set_address(request.unit->path, request.unit->target, request.unit->lun);
  srb.set_extension(claims_.extension_bytes != 0 ? request.extension_driver : nullptr);
  srb.set_sense(s_.memory.in_view(View::lent, request.sense_host), kSenseLength);
  srb.set_tag(static_cast<std::uint32_t>(request.serial));
  srb.set_srb_status(SRB_STATUS_PENDING);
  srb.set_scsi_status(0);
  srb.set_original_request(s_.memory.in_view(View::forbidden, request.srb.block()));
}

// DOC: ST-70 ST-71 no lock, DISPATCH_LEVEL; FALSE: the miniport completes the SRB itself.
bool Adapter::build_io(Request& request) {
  if (miniport_.data.HwBuildIo == nullptr) return true;
  return s_.call("HwStorBuildIo", EntryKind::routine, miniport_.data.HwBuildIo, extension_,
                 static_cast<PSCSI_REQUEST_BLOCK>(request.srb_driver)) != FALSE;
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
  if (!timeout_.pending()) arm_timeout();
}

void Adapter::unlink_outstanding(Request& request) {
  (request.older != nullptr ? request.older->newer : oldest_) = request.newer;
  (request.newer != nullptr ? request.newer->older : newest_) = request.older;
}

// --- up ---------------------------------------------------------------------------------------------------------------------

// DOC: ST-121 each SRB once, with a final status; afterwards it belongs to Storport.
void Adapter::check_completion(Request& request, CodePlace where) {
  const std::uint8_t status = request.srb.srb_status();
  if ((status & kStatusMask) == SRB_STATUS_PENDING)  // DOC: VER-102
    s_.trace.emit(RuleBroken{"VER-102", "", fmt::format("SRB {} was completed with SrbStatus SRB_STATUS_PENDING", request.serial), where});
  else if ((status & SRB_STATUS_QUEUE_FROZEN) != 0 || (status & kStatusMask) == SRB_STATUS_INTERNAL_ERROR)
    s_.trace.emit(RuleBroken{"ST-121", "", fmt::format("SRB {} was completed with SrbStatus {:#04x}, which only the port driver sets",
                                                       request.serial, status), where});
}

void Adapter::request_complete(Request& request, CodePlace where) {
  if (request.state == Request::State::abandoned) return pool_->give_back(request);
  if (request.state != Request::State::started) {
    s_.trace.emit(RuleBroken{"VER-45", "0xF1/0x2004", fmt::format("SRB {} was completed twice", request.serial), where});
    return;
  }
  if (s_.checking()) {
    check_completion(request, where);
    pool_->take_back(request);
  }
  request.state = Request::State::completed;
  unlink_outstanding(request);
  CompletionDpc& dpc = *completion_[s_.scheduler.cpu().index];
  dpc.done.push(request);
  s_.scheduler.queue_dpc(dpc, s_.scheduler.cpu().index);
}

void Adapter::CompletionDpc::run() {
  while (Request* request = done.pop()) adapter_.finish(*request);
}

void Adapter::count(const Request& request) {
  ++statistics_.ios;
  if (request.direction == Request::Direction::none) return;
  statistics_.bytes += request.srb.data_length();
  ++(request.direction == Request::Direction::in ? statistics_.reads : statistics_.writes);
  const std::uint32_t elements = request.mapping.elements();
  ++statistics_.lists;
  statistics_.elements += elements;
  statistics_.elements_min = std::min(statistics_.elements_min, elements);
  statistics_.elements_max = std::max(statistics_.elements_max, elements);
  statistics_.bounced_pages += request.mapping.registers_used();
}

void Adapter::finish(Request& request) {
  LogicalUnit& unit = *request.unit;
  count(request);
  if (request.direction != Request::Direction::none) request.mapping.flush();
  s_.trace.note([&] {
    return SrbCompleted{request.serial, request.srb.srb_status(), request.srb.scsi_status(), request.srb.data_length()};
  });
  --unit.outstanding;
  --outstanding_;
  if (busy_for_ != 0) --busy_for_;
  if (unit.busy_for != 0) --unit.busy_for;
  request.state = Request::State::idle;
  if (!retry_busy(request)) request.completed(request);
  if (!unit.waiting.empty()) start_waiting(unit);
}

// DOC: ST-114 BUSY is retried after a pause with a new SRB extension; DOC: ST-115 QUEUE FULL waits for a quarter of the
// outstanding requests.
bool Adapter::retry_busy(Request& request) {
  const std::uint8_t scsi = request.srb.scsi_status();
  const bool busy = (request.srb.srb_status() & kStatusMask) == SRB_STATUS_BUSY || scsi == kScsiBusy;
  if (!busy && scsi != kScsiQueueFull) [[likely]] return false;
  if (request.busy_retries++ >= kBusyRetryCount) return false;
  LogicalUnit& unit = *request.unit;
  unit.waiting.push_front(request);
  request.state = Request::State::queued;
  if (scsi == kScsiQueueFull && unit.outstanding != 0) {
    unit.busy_for = std::max<std::uint32_t>(1, unit.outstanding * kQueueFullWaitPercent / 100);
    return true;
  }
  unit.held = true;
  if (!hold_.pending()) s_.scheduler.timeline().schedule(hold_, kBusyPause);
  return true;
}

void Adapter::end_hold() {
  for (auto& unit : units_) unit->held = false;
  start_waiting_everywhere();
}

// DOC: ST-124
void Adapter::complete_all(std::uint8_t path, std::uint8_t target, std::uint8_t lun, std::uint8_t srb_status, CodePlace where) {
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
    const bool there = r->unit->path == path && r->unit->target == target && r->unit->lun == lun;
    if (there && (tag == SP_UNTAGGED || static_cast<std::uint32_t>(tag) == static_cast<std::uint32_t>(r->serial))) return r;
  }
  return nullptr;
}

std::uint32_t Adapter::deepest_queue() const {
  std::uint32_t depth = 0;
  for (const auto& unit : units_) depth = std::max(depth, unit->depth);
  return depth;
}

Adapter::SlotObject Adapter::object_in_slot(std::uint32_t offset) const {
  const SlotLayout& layout = pool_->layout();
  if (offset < layout.sense) return {"SRB", 0};
  if (offset < layout.list) return {"sense buffer", layout.sense};
  if (offset < layout.extension) return {"scatter/gather list", layout.list};
  return {"SRB extension", layout.extension};
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

// --- queue management -----------------------------------------------------------------------------------------------------------

void Adapter::ready() {
  busy_for_ = 0;
  queue_restart();
}

// DOC: ST-111 everything is held until resumed or the time is up.
void Adapter::pause(Nanoseconds time) {
  paused_ = true;
  paused_until_ = s_.scheduler.now() + time;
  arm_pause();
}

void Adapter::resume() {
  paused_ = false;
  queue_restart();
}

void Adapter::pause_unit(LogicalUnit& unit, Nanoseconds time) {
  unit.paused = true;
  unit.paused_until = s_.scheduler.now() + time;
  arm_pause();
}

void Adapter::resume_unit(LogicalUnit& unit) {
  unit.paused = false;
  queue_restart();
}

void Adapter::unit_busy(LogicalUnit& unit, std::uint32_t requests) { unit.busy_for = std::min(requests, unit.outstanding); }

void Adapter::unit_ready(LogicalUnit& unit) {
  unit.busy_for = 0;
  queue_restart();
}

// A miniport may call at any IRQL: starting requests is left to DISPATCH_LEVEL.
void Adapter::queue_restart() { s_.scheduler.queue_dpc(restart_, s_.scheduler.cpu().index); }

void Adapter::arm_pause() {
  Nanoseconds soonest = paused_ ? paused_until_ : ~Nanoseconds{0};
  for (auto& unit : units_)
    if (unit->paused) soonest = std::min(soonest, unit->paused_until);
  const Nanoseconds now = s_.scheduler.now();
  if (soonest != ~Nanoseconds{0}) s_.scheduler.timeline().schedule(pause_end_, soonest > now ? soonest - now : 0);
}

void Adapter::end_pause() {
  const Nanoseconds now = s_.scheduler.now();
  if (paused_ && paused_until_ <= now) paused_ = false;
  for (auto& unit : units_)
    if (unit->paused && unit->paused_until <= now) unit->paused = false;
  arm_pause();
  start_waiting_everywhere();
}

// DOC: ST-97 under the StartIo lock.
void Adapter::request_timer(PHW_TIMER routine, std::uint32_t microseconds) {
  timer_routine_ = routine;
  if (microseconds == 0) s_.scheduler.timeline().cancel(timer_);
  else s_.scheduler.timeline().schedule(timer_, microseconds * kMicrosecond);
}

void Adapter::run_timer() {
  if (timer_routine_ == nullptr) return;
  lock_start_io();
  s_.call("HwStorTimer", EntryKind::routine, timer_routine_, extension_);
  unlock_start_io();
}

}  // namespace drydock::storport
