#include "disk/disk_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "disk/sense.h"
#include "disk/split.h"

namespace drydock {

using storport::Adapter;
using storport::Request;

namespace {

constexpr std::uint32_t kTimeoutSeconds = 60;  // ASSUMED: the class driver's default for disks. disk_device_test: AReadIsGivenAMinute
constexpr std::uint8_t kRetries = 8;
constexpr std::uint32_t kPiecesInFlightMax = 64;
constexpr std::uint32_t kUnmapHeader = 8, kUnmapDescriptor = 16;
constexpr std::uint32_t kFlags = SRB_FLAGS_QUEUE_ACTION_ENABLE | SRB_FLAGS_NO_QUEUE_FREEZE;

bool moves_client_data(const DiskRequest& request) {
  return request.kind == DiskRequest::Kind::read || request.kind == DiskRequest::Kind::write;
}

// A client's data must have moved completely. Of a lost request nothing is known, and its SRB is not ours to send again.
Judgement judge_piece(const Request& piece, const DiskRequest& request) {
  if (piece.state == Request::State::abandoned) return {Then::fail, EIO};
  const Judgement judged = judge(piece.result.srb_status, piece.result.scsi_status, piece.sense());
  const bool is_short = moves_client_data(request) && piece.result.transferred < piece.data_length;
  return judged.then == Then::done && is_short ? Judgement{Then::retry, EIO} : judged;
}

}  // namespace

DiskDevice::DiskDevice(Adapter& adapter, storport::LogicalUnit& unit) : adapter_(adapter), unit_(unit), commands_(adapter, unit) {}

DiskDevice::~DiskDevice() = default;

void DiskDevice::shut_down() {
  if (facts_.write_cache && !facts_.read_only) commands_.tell(synchronize_cache_cdb());
  if (!adapter_.claims().caches_data) return;
  commands_.function(SRB_FUNCTION_FLUSH);
  commands_.function(SRB_FUNCTION_SHUTDOWN);
}

// --- down --------------------------------------------------------------------------------------------------------------------

bool DiskDevice::can(const DiskRequest& request) const {
  if (request.kind == DiskRequest::Kind::unmap) return facts_.unmap;
  return request.kind != DiskRequest::Kind::write_same || facts_.write_same;
}

void DiskDevice::submit(DiskRequest& request) {
  request.device = this;
  request.error = can(request) ? 0 : EOPNOTSUPP;
  request.issued = 0;
  request.in_flight = 1;  // held until everything is issued, so that it cannot end in between
  request.flush_due = request.kind == DiskRequest::Kind::flush;
  const bool has_fua = request.kind == DiskRequest::Kind::write && facts_.fua;
  request.flush_after = request.fua && !has_fua && request.kind != DiskRequest::Kind::read && !request.flush_due;
  issue(request);
}

void DiskDevice::issue(DiskRequest& request) {
  const auto left = [&] { return request.kind != DiskRequest::Kind::flush && request.issued < request.blocks; };
  while (request.error == 0 && (request.flush_due || left()))
    if (!issue_next(request)) {
      if (in_flight_ != 0) return starved_.push_back(&request);
      request.error = ENOMEM;  // nothing of ours will come back that it could wait for
    }
  end_piece(request, 0);
}

// False: no SRB now.
bool DiskDevice::issue_next(DiskRequest& request) {
  if (request.flush_due) return issue_flush(request);
  if (moves_client_data(request)) return issue_transfer(request);
  return request.kind == DiskRequest::Kind::unmap ? issue_unmap(request) : issue_write_same(request);
}

Request* DiskDevice::make(DiskRequest& request, const Cdb& cdb) {
  Request* piece = request.in_flight > kPiecesInFlightMax ? nullptr : adapter_.take_request();
  if (piece == nullptr) return nullptr;
  ++request.in_flight;
  ++in_flight_;
  piece->srb.set_function(SRB_FUNCTION_EXECUTE_SCSI);
  piece->srb.set_cdb(cdb);
  piece->srb.set_timeout(kTimeoutSeconds);
  piece->srb.set_flags(kFlags);
  piece->unit = &unit_;
  piece->owner = &request;
  piece->completed = [](Request& done) { static_cast<DiskRequest*>(done.owner)->device->piece_done(done); };
  return piece;
}

bool DiskDevice::issue_transfer(DiskRequest& request) {
  const bool write = request.kind == DiskRequest::Kind::write;
  const std::uint32_t offset = request.buffer_offset + static_cast<std::uint32_t>(request.issued * facts_.block_size);
  const std::uint64_t address = request.buffer->address() + offset;
  const std::uint32_t blocks = blocks_in_piece(adapter_.claims(), address, request.blocks - request.issued, facts_.block_size);
  if (blocks == 0) return request.error = EIO, true;
  Request* piece = make(request, read_write_cdb(write, request.block + request.issued, blocks, write && request.fua && facts_.fua));
  if (piece == nullptr) return false;
  piece->srb.set_flags(kFlags | (write ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN));
  piece->direction = write ? Request::Direction::out : Request::Direction::in;
  piece->mdl = request.buffer->mdl();
  piece->data_offset = offset;
  piece->data_address = address;
  piece->data_length = blocks * facts_.block_size;
  request.issued += blocks;
  adapter_.submit(*piece);
  return true;
}

// One descriptor a command. SBC-3 5.23
bool DiskDevice::issue_unmap(DiskRequest& request) {
  constexpr std::uint32_t kLength = kUnmapHeader + kUnmapDescriptor;
  Request* piece = make(request, unmap_cdb(kLength));
  if (piece == nullptr) return false;
  const auto blocks = static_cast<std::uint32_t>(std::min<std::uint64_t>(facts_.unmap_blocks_max, request.blocks - request.issued));
  CommandBuffer& buffer = take_buffer();
  std::memset(buffer.bytes(), 0, kLength);
  put_big_endian(buffer.bytes(), static_cast<std::uint16_t>(kLength - 2));
  put_big_endian(buffer.bytes() + 2, static_cast<std::uint16_t>(kUnmapDescriptor));
  put_big_endian(buffer.bytes() + kUnmapHeader, request.block + request.issued);
  put_big_endian(buffer.bytes() + kUnmapHeader + 8, blocks);
  send(request, *piece, buffer, kLength, blocks);
  return true;
}

// One block of zeros goes along. SBC-3 5.40
bool DiskDevice::issue_write_same(DiskRequest& request) {
  const auto blocks = static_cast<std::uint32_t>(std::min<std::uint64_t>(facts_.write_same_blocks_max, request.blocks - request.issued));
  Request* piece = make(request, write_same_cdb(request.block + request.issued, blocks, request.may_unmap));
  if (piece == nullptr) return false;
  CommandBuffer& buffer = take_buffer();
  std::memset(buffer.bytes(), 0, facts_.block_size);
  send(request, *piece, buffer, facts_.block_size, blocks);
  return true;
}

CommandBuffer& DiskDevice::take_buffer() {
  if (spare_buffers_.empty()) {
    buffers_.push_back(std::make_unique<CommandBuffer>(adapter_.services()));
    return *buffers_.back();
  }
  CommandBuffer& buffer = *spare_buffers_.back();
  spare_buffers_.pop_back();
  return buffer;
}

// A piece whose data is a small buffer of ours; piece_done() takes that back.
void DiskDevice::send(DiskRequest& request, Request& piece, CommandBuffer& buffer, std::uint32_t length, std::uint32_t blocks) {
  buffer.prepared().prepare(buffer.address(), length, false);
  piece.srb.set_flags(kFlags | SRB_FLAGS_DATA_OUT);
  piece.direction = Request::Direction::out;
  piece.mdl = buffer.prepared().mdl();
  piece.data_address = buffer.address();
  piece.data_length = length;
  piece.class_context = &buffer;
  request.issued += blocks;
  adapter_.submit(piece);
}

bool DiskDevice::issue_flush(DiskRequest& request) {
  Request* piece = make(request, synchronize_cache_cdb());
  if (piece == nullptr) return false;
  request.flush_due = false;
  adapter_.submit(*piece);
  return true;
}

// --- up ----------------------------------------------------------------------------------------------------------------------

void DiskDevice::piece_done(Request& piece) {
  auto& request = *static_cast<DiskRequest*>(piece.owner);
  const Judgement judged = judge_piece(piece, request);
  if (judged.then == Then::retry && piece.class_retries++ < kRetries) return adapter_.submit(piece);
  if (auto* buffer = static_cast<CommandBuffer*>(std::exchange(piece.class_context, nullptr))) {
    buffer->prepared().finish();
    spare_buffers_.push_back(buffer);
  }
  adapter_.release(piece);
  --in_flight_;
  end_piece(request, judged.then == Then::done ? 0 : judged.error);
  serve_starved();
}

// One for each piece that comes back; all, when none will.
void DiskDevice::serve_starved() {
  if (starved_.empty()) return;
  do {
    DiskRequest* next = starved_.front();
    starved_.erase(starved_.begin());
    issue(*next);
  } while (in_flight_ == 0 && !starved_.empty());
}

// The first error of its pieces is the request's.
void DiskDevice::fail(DiskRequest& request, int error) {
  if (request.error != 0) return;
  request.error = error;
  ++failed_;
}

void DiskDevice::end_piece(DiskRequest& request, int error) {
  if (error != 0) [[unlikely]] fail(request, error);
  if (--request.in_flight != 0) return;
  if (!std::exchange(request.flush_after, false) || request.error != 0) return complete(request);
  request.flush_due = true;
  request.in_flight = 1;
  issue(request);
}

void DiskDevice::complete(DiskRequest& request) {
  Scheduler& scheduler = adapter_.services().scheduler;
  const Irql outer = scheduler.irql();
  if (outer < kDispatchLevel) scheduler.raise_irql(kDispatchLevel);
  request.completed(request);
  if (outer < kDispatchLevel) scheduler.lower_irql(outer);
}

}  // namespace drydock
