#include "disk/disk_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "disk/sense.h"

namespace drydock {

using storport::Adapter;
using storport::Request;

namespace {

constexpr std::uint32_t kTimeoutSeconds = 60;      // ASSUMED: the class driver's default for disks
constexpr std::uint32_t kCommandTimeoutSeconds = 10;
constexpr std::uint8_t kRetries = 8;
constexpr std::uint32_t kCommandBytes = 4096;
constexpr std::uint32_t kPiecesInFlightMax = 64;
constexpr std::uint32_t kUnmapHeader = 8, kUnmapDescriptor = 16;
constexpr std::uint32_t kWriteSameDefaultMax = 0xFFFF;
constexpr std::uint8_t kPageSerial = 0x80, kPageBlockLimits = 0xB0, kPageProvisioning = 0xB2;

std::string trimmed(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t c : bytes) text += c >= 0x20 && c < 0x7F ? static_cast<char>(c) : ' ';
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

/// One page of ours that a device may read or fill.
class DiskDevice::CommandBuffer {
 public:
  explicit CommandBuffer(const storport::Services& s)
      : memory_(s.memory), prepared_(s.memory, s.locked, s.mappings, s.pool, kCommandBytes) {
    const auto run = memory_.allocate(1);
    CHECK(run.has_value(), "no page for a command buffer");
    run_ = *run;
  }
  ~CommandBuffer() { memory_.free(run_); }
  std::uint8_t* bytes() const { return reinterpret_cast<std::uint8_t*>(memory_.system(run_.first)); }
  std::uint64_t address() const { return memory_.address(View::system, run_.first); }
  PreparedBuffer& prepared() { return prepared_; }

 private:
  PhysicalMemory& memory_;
  PreparedBuffer prepared_;
  PageRun run_;
};

std::uint32_t blocks_in_piece(const storport::Claims& claims, std::uint64_t address, std::uint64_t blocks_left,
                              std::uint32_t block_size) {
  const std::uint64_t by_breaks = std::uint64_t{claims.breaks} * kPageSize - (address & kPageMask);
  const std::uint64_t bytes = std::min<std::uint64_t>(claims.transfer_max, by_breaks);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks_left, std::max<std::uint64_t>(1, bytes / block_size)));
}

DiskDevice::DiskDevice(Adapter& adapter, storport::LogicalUnit& unit) : adapter_(adapter), unit_(unit) {
  command_ = std::make_unique<CommandBuffer>(adapter.services());
}

DiskDevice::~DiskDevice() = default;

// --- finding out what is there ---------------------------------------------------------------------------------------------

std::vector<std::unique_ptr<DiskDevice>> DiskDevice::discover(Adapter& adapter) {
  std::vector<std::unique_ptr<DiskDevice>> disks;
  const storport::Claims& claims = adapter.claims();
  const unsigned buses = std::max<unsigned>(1, claims.buses);
  for (unsigned path = 0; path < buses; ++path)
    for (unsigned target = 0; target < std::max<unsigned>(1, claims.targets); ++target)
      for (unsigned lun = 0; lun < std::max<unsigned>(1, claims.luns); ++lun) {
        auto& unit = adapter.unit(static_cast<std::uint8_t>(path), static_cast<std::uint8_t>(target), static_cast<std::uint8_t>(lun));
        std::unique_ptr<DiskDevice> disk(new DiskDevice(adapter, unit));
        if (disk->identify()) disks.push_back(std::move(disk));
        else adapter.forget(unit);
        if (disks.empty() || &disks.back()->unit_ != &unit) break;  // no such LUN: the rest of the target is not asked
      }
  return disks;
}

// A command of our own: waits for it on the calling thread, retries as judged.
DiskDevice::Outcome DiskDevice::command(std::uint8_t function, const Cdb& cdb, Request::Direction direction, std::uint32_t length) {
  Scheduler& scheduler = adapter_.services().scheduler;
  struct Waiting {
    Thread* thread = nullptr;
    bool done = false;
    Scheduler& scheduler;
  } waiting{nullptr, false, scheduler};
  if (direction == Request::Direction::in) std::memset(command_->bytes(), 0, kCommandBytes);
  for (unsigned attempt = 0;; ++attempt) {
    Request* request = adapter_.take_request();
    if (request == nullptr) return {ENOMEM, 0};
    const bool data = direction != Request::Direction::none;
    if (data) command_->prepared().prepare(command_->address(), length, direction == Request::Direction::in);
    request->srb.set_function(function);
    request->srb.set_cdb(cdb);
    request->srb.set_timeout(kCommandTimeoutSeconds);
    request->srb.set_flags(SRB_FLAGS_NO_QUEUE_FREEZE | (direction == Request::Direction::in ? SRB_FLAGS_DATA_IN : 0) |
                           (direction == Request::Direction::out ? SRB_FLAGS_DATA_OUT : 0));
    request->unit = &unit_;
    request->direction = direction;
    if (data) {
      request->mdl = command_->prepared().mdl();
      request->data_address = command_->address();
      request->data_length = length;
    }
    waiting.done = false;
    request->owner = &waiting;
    request->completed = [](Request& done) {
      auto& w = *static_cast<Waiting*>(done.owner);
      w.done = true;
      if (w.thread != nullptr) w.scheduler.wake(*w.thread);
    };
    waiting.thread = nullptr;
    adapter_.submit(*request);
    waiting.thread = scheduler.thread();
    if (!waiting.done) scheduler.block();
    const Judgement judged = judge(request->srb.srb_status(), request->srb.scsi_status(), request->sense());
    const std::uint32_t transferred = request->srb.data_length();
    if (data) command_->prepared().finish();
    adapter_.release(*request);
    if (judged.then == Then::done) return {0, transferred};
    if (judged.then == Then::fail || attempt == kRetries) return {judged.error, 0};
  }
}

std::span<const std::uint8_t> DiskDevice::answer() const { return {command_->bytes(), kCommandBytes}; }

bool DiskDevice::identify() {
  constexpr std::uint8_t kInquiryLength = 36;
  if (command_in(inquiry_cdb(kInquiryLength), kInquiryLength).error != 0) return false;
  const auto data = answer();
  if ((data[0] & 0xE0) != 0 || (data[0] & 0x1F) != 0) return false;  // not connected, or no disk
  unit_.known = true;
  facts_.vendor = trimmed(data.subspan(8, 8));
  facts_.product = trimmed(data.subspan(16, 16));
  facts_.revision = trimmed(data.subspan(32, 4));
  command(SRB_FUNCTION_EXECUTE_SCSI, test_unit_ready_cdb(), Request::Direction::none, 0);
  if (!learn_capacity()) return false;
  learn_pages();
  return true;
}

bool DiskDevice::learn_capacity() {
  constexpr std::uint32_t kLength10 = 8, kLength16 = 32;
  if (command_in(read_capacity_10_cdb(), kLength10).error != 0) return false;
  std::uint64_t last = get_big_endian<std::uint32_t>(&answer()[0]);
  facts_.block_size = get_big_endian<std::uint32_t>(&answer()[4]);
  if (command_in(read_capacity_16_cdb(kLength16), kLength16).error == 0) {
    last = get_big_endian<std::uint64_t>(&answer()[0]);
    facts_.block_size = get_big_endian<std::uint32_t>(&answer()[8]);
    facts_.unmap = (answer()[14] & 0x80) != 0;  // LBPME
  }
  const std::uint32_t size = facts_.block_size;
  if (size < 512 || size > kPageSize || (size & (size - 1)) != 0) return false;
  facts_.blocks = last + 1;
  return true;
}

bool DiskDevice::page_supported(std::uint8_t page) {
  if (pages_.empty()) {
    pages_.assign(256, false);
    if (command_in(vital_product_cdb(0, 255), 255).error != 0) return false;
    const unsigned count = std::min<unsigned>(answer()[3], 251);
    for (unsigned i = 0; i < count; ++i) pages_[answer()[4 + i]] = true;
  }
  return pages_[page];
}

void DiskDevice::learn_pages() {
  if (page_supported(kPageSerial) && command_in(vital_product_cdb(kPageSerial, 255), 255).error == 0)
    facts_.serial = trimmed(answer().subspan(4, std::min<unsigned>(answer()[3], 250)));
  facts_.write_same_blocks_max = kWriteSameDefaultMax;
  if (page_supported(kPageBlockLimits) && command_in(vital_product_cdb(kPageBlockLimits, 64), 64).error == 0) {
    facts_.unmap_blocks_max = get_big_endian<std::uint32_t>(&answer()[20]);
    if (const auto limit = get_big_endian<std::uint64_t>(&answer()[36]); limit != 0)
      facts_.write_same_blocks_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, 0xFFFF'FFFF));
  }
  if (page_supported(kPageProvisioning) && command_in(vital_product_cdb(kPageProvisioning, 8), 8).error == 0) {
    facts_.unmap = facts_.unmap && (answer()[5] & 0x80) != 0;
    facts_.write_same = (answer()[5] & 0x40) != 0;
  } else {
    facts_.unmap = false;
  }
  facts_.unmap = facts_.unmap && facts_.unmap_blocks_max != 0;
  constexpr std::uint8_t kCachingPage = 0x08, kLength = 192;
  if (command_in(mode_sense_6_cdb(kCachingPage, kLength), kLength).error == 0) {
    const auto data = answer();
    facts_.read_only = (data[2] & 0x80) != 0;
    facts_.fua = (data[2] & 0x10) != 0;
    const std::size_t page = std::size_t{4} + data[3];
    if (page + 2 < kLength && (data[page] & 0x3F) == kCachingPage) facts_.write_cache = (data[page + 2] & 0x04) != 0;
  }
}

void DiskDevice::shut_down() {
  if (facts_.write_cache && !facts_.read_only)
    command(SRB_FUNCTION_EXECUTE_SCSI, synchronize_cache_cdb(), Request::Direction::none, 0);
  if (!adapter_.claims().caches_data) return;
  command(SRB_FUNCTION_FLUSH, {}, Request::Direction::none, 0);
  command(SRB_FUNCTION_SHUTDOWN, {}, Request::Direction::none, 0);
}

// --- requests of clients ---------------------------------------------------------------------------------------------------------

void DiskDevice::submit(DiskRequest& request) {
  request.device = this;
  request.error = 0;
  request.issued = 0;
  request.in_flight = 1;  // held until everything is issued, so that it cannot end in between
  request.flush_after = request.fua && (request.kind != DiskRequest::Kind::write || !facts_.fua);
  issue(request);
}

void DiskDevice::issue(DiskRequest& request) {
  if (request.kind == DiskRequest::Kind::flush) {
    if (!issue_flush(request)) return;
  } else {
    while (request.issued < request.blocks && request.error == 0) {
      const bool data = request.kind == DiskRequest::Kind::read || request.kind == DiskRequest::Kind::write;
      if (!(data ? issue_piece(request) : issue_command_piece(request))) return;
    }
  }
  end_piece(request, 0);
}

Request* DiskDevice::make(DiskRequest& request, const Cdb& cdb) {
  Request* piece = request.in_flight > kPiecesInFlightMax ? nullptr : adapter_.take_request();
  if (piece == nullptr) {
    starved_.push_back(&request);
    return nullptr;
  }
  ++request.in_flight;
  piece->srb.set_function(SRB_FUNCTION_EXECUTE_SCSI);
  piece->srb.set_cdb(cdb);
  piece->srb.set_timeout(kTimeoutSeconds);
  piece->unit = &unit_;
  piece->owner = &request;
  piece->completed = [](Request& done) { static_cast<DiskRequest*>(done.owner)->device->piece_done(done); };
  return piece;
}

bool DiskDevice::issue_piece(DiskRequest& request) {
  const bool write = request.kind == DiskRequest::Kind::write;
  const std::uint32_t offset = request.buffer_offset + static_cast<std::uint32_t>(request.issued * facts_.block_size);
  const std::uint64_t address = request.buffer->address() + offset;
  const std::uint32_t blocks = blocks_in_piece(adapter_.claims(), address, request.blocks - request.issued, facts_.block_size);
  Request* piece = make(request, read_write_cdb(write, request.block + request.issued, blocks, write && request.fua && facts_.fua));
  if (piece == nullptr) return false;
  piece->srb.set_flags(SRB_FLAGS_QUEUE_ACTION_ENABLE | SRB_FLAGS_NO_QUEUE_FREEZE | (write ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN));
  piece->direction = write ? Request::Direction::out : Request::Direction::in;
  piece->mdl = request.buffer->mdl();
  piece->data_offset = offset;
  piece->data_address = address;
  piece->data_length = blocks * facts_.block_size;
  request.issued += blocks;
  adapter_.submit(*piece);
  return true;
}

// UNMAP and WRITE SAME carry a small buffer of ours. SBC-3 5.23, 5.40
bool DiskDevice::issue_command_piece(DiskRequest& request) {
  const bool unmap = request.kind == DiskRequest::Kind::unmap;
  const std::uint32_t most = unmap ? facts_.unmap_blocks_max : facts_.write_same_blocks_max;
  const auto blocks = static_cast<std::uint32_t>(std::min<std::uint64_t>(most, request.blocks - request.issued));
  const std::uint64_t block = request.block + request.issued;
  const std::uint32_t length = unmap ? kUnmapHeader + kUnmapDescriptor : facts_.block_size;
  Request* piece = make(request, unmap ? unmap_cdb(static_cast<std::uint16_t>(length)) : write_same_cdb(block, blocks, request.may_unmap));
  if (piece == nullptr) return false;
  if (spare_buffers_.empty()) spare_buffers_.push_back(std::make_unique<CommandBuffer>(adapter_.services()));
  CommandBuffer* buffer = spare_buffers_.back().release();
  spare_buffers_.pop_back();
  std::memset(buffer->bytes(), 0, length);
  if (unmap) {
    put_big_endian(buffer->bytes(), static_cast<std::uint16_t>(length - 2));
    put_big_endian(buffer->bytes() + 2, static_cast<std::uint16_t>(kUnmapDescriptor));
    put_big_endian(buffer->bytes() + kUnmapHeader, block);
    put_big_endian(buffer->bytes() + kUnmapHeader + 8, blocks);
  }
  buffer->prepared().prepare(buffer->address(), length, false);
  piece->srb.set_flags(SRB_FLAGS_QUEUE_ACTION_ENABLE | SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_DATA_OUT);
  piece->direction = Request::Direction::out;
  piece->mdl = buffer->prepared().mdl();
  piece->data_address = buffer->address();
  piece->data_length = length;
  piece->class_context = buffer;
  request.issued += blocks;
  adapter_.submit(*piece);
  return true;
}

bool DiskDevice::issue_flush(DiskRequest& request) {
  Request* piece = make(request, synchronize_cache_cdb());
  if (piece == nullptr) return false;
  piece->srb.set_flags(SRB_FLAGS_QUEUE_ACTION_ENABLE | SRB_FLAGS_NO_QUEUE_FREEZE);
  adapter_.submit(*piece);
  return true;
}

void DiskDevice::piece_done(Request& piece) {
  auto& request = *static_cast<DiskRequest*>(piece.owner);
  Judgement judged = judge(piece.srb.srb_status(), piece.srb.scsi_status(), piece.sense());
  if (judged.then == Then::done && piece.srb.data_length() < piece.data_length) judged = {Then::retry, EIO};
  if (judged.then == Then::retry && piece.class_retries++ < kRetries) return adapter_.submit(piece);
  if (auto* buffer = static_cast<CommandBuffer*>(std::exchange(piece.class_context, nullptr))) {
    buffer->prepared().finish();
    spare_buffers_.emplace_back(buffer);
  }
  adapter_.release(piece);
  end_piece(request, judged.then == Then::done ? 0 : judged.error);
  if (starved_.empty()) return;
  DiskRequest* next = starved_.front();
  starved_.erase(starved_.begin());
  issue(*next);
}

void DiskDevice::end_piece(DiskRequest& request, int error) {
  if (request.error == 0) request.error = error;
  if (--request.in_flight != 0) return;
  if (request.flush_after && request.error == 0) {
    request.flush_after = false;
    request.kind = DiskRequest::Kind::flush;
    request.in_flight = 1;
    return issue(request);
  }
  request.completed(request);
}

}  // namespace drydock
