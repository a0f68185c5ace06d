#include "devices/virtio_blk/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include "devices/backing/faulty_medium.h"
#include "devices/backing/pieces_cursor.h"
#include "devices/virtio_blk/misbehaviour.h"

namespace drydock::virtio_blk {

namespace {

constexpr std::uint8_t kMassStorage = 0x01, kScsiLike = 0x00;  // what drivers in the field meet

}  // namespace

// --- what it is -------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Device>> Device::create(const Options& options, BlockStore& store, const BoardServices& board) {
  if (store.size() % options.blk_size != 0)
    return refuse("a disk of {} bytes cannot have blocks of {}", store.size(), options.blk_size);
  return std::unique_ptr<Device>(new Device(options, store, board));
}

virtio::Features Device::offered(const Options& options, bool read_only, bool cache) {
  virtio::Features offered = kSegMax | kBlkSize | kTopology | kMultiQueue;
  const auto offer = [&](bool wanted, virtio::Features bits) { offered |= wanted ? bits : 0; };
  offer(options.size_max != 0, kSizeMax);
  offer(read_only, kReadOnly);
  offer(cache, kFlush);
  offer(cache && options.wce, kConfigWce);
  offer(options.discard && !read_only, kDiscard);
  offer(options.write_zeroes && !read_only, kWriteZeroes);
  offer(options.indirect, virtio::kIndirectDescriptors);
  offer(options.event_idx, virtio::kEventIndex);
  return offered;
}

Device::Device(const Options& options, BlockStore& store, const BoardServices& board)
    : PciTransport({.name = "virtio-blk",
                    .interface = options.mode,
                    .device_type = kDeviceType,
                    .transitional_id = kTransitionalPciDevice,
                    .base_class = kMassStorage,
                    .sub_class = kScsiLike,
                    .offered = offered(options, options.ro || store.read_only(), options.cache),
                    .queues = options.queues,
                    .queue_size = static_cast<std::uint16_t>(options.queue_size),
                    .msix = options.msix,
                    .config_bytes = sizeof(Config)},
                   board),
      options_(options),
      store_(store),
      disk_(&store),
      chain_(options.queue_size) {
  // A store that keeps nothing has nothing to cache; the driver sees the same device.
  if (options.cache) disk_ = &cache_.emplace(store);
  if (!store.moves_data()) disk_ = &store;
  for (unsigned i = 0; i < options.queues; ++i) rounds_.push_back(std::make_unique<Round>(*this, i));
  pieces_.reserve(options.queue_size);
  describe();
  if (board.faults != nullptr && board.faults->plans_for_device()) suffer(*board.faults);
}

Device::~Device() = default;

void Device::suffer(FaultPlan& plan) {
  misbehaviour_ = std::make_unique<Misbehaviour>(*this, plan);
  if (!plan.plans(FaultPoint::medium_error)) return;
  medium_ = std::make_unique<FaultyMedium>(*disk_, plan);
  disk_ = medium_.get();
}

void Device::describe() {
  const std::uint32_t sectors = options_.blk_size / kSectorSize;
  config_.capacity = store_.size() / kSectorSize;
  config_.size_max = options_.size_max;
  config_.seg_max = options_.segments();
  config_.blk_size = options_.blk_size;
  config_.physical_block_exp = static_cast<std::uint8_t>(std::countr_zero(options_.physical() / options_.blk_size));
  config_.min_io_size = static_cast<std::uint16_t>(options_.physical() / options_.blk_size);
  config_.opt_io_size = options_.opt_io_size / options_.blk_size;
  config_.writeback = options_.cache ? 1 : 0;
  config_.num_queues = static_cast<std::uint16_t>(options_.queues);
  if (options_.discard) {
    config_.max_discard_sectors = kRangeSectorsMax;
    config_.max_discard_seg = kRangesMax;
    config_.discard_sector_alignment = std::max<std::uint32_t>(sectors, kPageSize / kSectorSize);
  }
  if (options_.write_zeroes) {
    config_.max_write_zeroes_sectors = kRangeSectorsMax;
    config_.max_write_zeroes_seg = kRangesMax;
    config_.write_zeroes_may_unmap = 1;
  }
  std::memcpy(device_config().data(), &config_, sizeof config_);
}

// 5.2.5.2: without FLUSH the cache begins switched off.
void Device::features_chosen() {
  config_.writeback = options_.cache && (negotiated(kFlush) || !negotiated(kConfigWce)) ? 1 : 0;
  describe_writeback();
}

void Device::describe_writeback() { device_config()[offsetof(Config, writeback)] = std::byte{config_.writeback}; }

/// 5.2.6.2: which writes must be on the disk before they complete.
bool Device::writes_are_volatile() const {
  if (!cache_) return false;
  return negotiated(kConfigWce) ? config_.writeback != 0 : negotiated(kFlush);
}

void Device::config_written(std::uint32_t offset, unsigned size, std::uint64_t value) {
  if (offset != offsetof(Config, writeback) || size != 1 || !negotiated(kConfigWce) || value > 1)
    return complain("a write of {} bytes to device configuration +{:#x}: only writeback can be written, as CONFIG_WCE says "
                                "(5.2.4)", size, offset);
  if (value == 0 && flush().status != Status::ok) return;  // still on, as the driver reads back
  config_.writeback = static_cast<std::uint8_t>(value);
  describe_writeback();
}

void Device::reset_device() {
  for (const auto& round : rounds_) board_.timeline.cancel(*round);
  if (misbehaviour_ != nullptr) misbehaviour_->reset();
  config_.writeback = options_.cache ? 1 : 0;
  describe_writeback();
}

int Device::power_off() {
  if (!cache_ || read_only()) return 0;
  return cache_->flush();
}

void Device::cut_power() {
  reset_device();
  set_gone(true);
  if (cache_) cache_->cut_power();
}

DeviceStatistics Device::statistics() const {
  DeviceStatistics now = statistics_;
  now.early_write_backs = cache_ ? cache_->early_write_backs() : 0;
  return now;
}

// From here to work() everything has one caller and is on the way of every request: it is one piece of code in parts.

// --- a request's parts, wherever the driver's descriptors divide it (2.7.4) -------------------------------------------

/// It is served all the same.
void Device::complain_of_layout() {
  complain("a request of a driver that did not accept ANY_LAYOUT: its header and its status have descriptors of their own, of 16 and of "
           "1 byte (5.2.6.4)");
}

inline bool Device::take_header(Request& request) {
  if (const virtio::Segment& first = chain_.segments[0]; chain_.readable != 0 && first.length == sizeof(Header)) [[likely]] {
    request.data = 1;
    return board_.bus_master.load(first.address, request.header);
  }
  auto left = std::as_writable_bytes(std::span(&request.header, 1));
  if (fixed_layout()) complain_of_layout();
  for (; !left.empty() && request.data < chain_.readable; ++request.data) {
    virtio::Segment& segment = chain_.segments[request.data];
    const auto part = std::min<std::uint32_t>(segment.length, static_cast<std::uint32_t>(left.size()));
    if (!board_.bus_master.read(segment.address, left.first(part))) return false;
    left = left.subspan(part);
    segment = {segment.address + part, segment.length - part};
    if (segment.length != 0) break;
  }
  return left.empty();
}

inline bool Device::take_status(Request& request) {
  if (chain_.readable == chain_.count) return false;
  virtio::Segment& last = chain_.segments[chain_.count - 1];
  --last.length;
  request.status = board_.bus_master.reach(last.address + last.length, 1, DmaDirection::from_device);
  if (last.length == 0) --chain_.count;
  else if (fixed_layout()) complain_of_layout();
  return request.status != nullptr;
}

inline void Device::add_piece(std::byte* host, std::uint32_t length) {
  if (!pieces_.empty() && static_cast<std::byte*>(pieces_.back().iov_base) + pieces_.back().iov_len == host)
    pieces_.back().iov_len += length;
  else
    pieces_.push_back({host, length});
}

inline bool Device::take_segment(const virtio::Segment& segment, DmaDirection direction) {
  LogicalAddress at = segment.address;
  for (std::uint32_t left = segment.length;;) {
    const auto part = std::min<std::uint32_t>(left, static_cast<std::uint32_t>(kPageSize - at.offset_in_page()));
    std::byte* host = board_.bus_master.reach(at, part, direction);
    if (host == nullptr) [[unlikely]] return false;
    add_piece(host, part);
    if ((left -= part) == 0) return true;
    at = at + part;
  }
}

/// False: the data is out of reach, or more or in another shape than the device takes.
[[gnu::always_inline]] inline bool Device::take_data(Request& request) {
  pieces_.clear();
  const std::uint32_t end = chain_.count;
  request.to_device = request.data < chain_.readable;
  if (request.to_device && chain_.readable != end) [[unlikely]] return reject("a request with data in both directions (5.2.6)");
  if (end - request.data > config_.seg_max) [[unlikely]]
    return reject("a request of {} segments: {} at most (5.2.4, seg_max)", end - request.data, config_.seg_max);
  const DmaDirection direction = request.to_device ? DmaDirection::to_device : DmaDirection::from_device;
  const std::uint32_t longest = config_.size_max != 0 ? config_.size_max : ~0u;
  for (std::uint32_t i = request.data; i < end; ++i) {
    const virtio::Segment& segment = chain_.segments[i];
    request.bytes += segment.length;
    if (segment.length > longest) [[unlikely]]
      return reject("a segment of {} bytes: {} at most (5.2.4, size_max)", segment.length, longest);
    if (request.bytes > kRequestMax) [[unlikely]] return reject("a request of more than {} bytes", kRequestMax);
    if (!take_segment(segment, direction)) [[unlikely]] return false;
  }
  return true;
}

// --- carrying out (5.2.6) ---------------------------------------------------------------------------------------------

inline Device::Outcome Device::outcome_of(int error, std::uint64_t written) {
  return error == 0 ? Outcome{Status::ok, written} : Outcome{Status::io_error};
}

inline bool Device::in_range(std::uint64_t sector, std::uint64_t sectors) const {
  return sector <= config_.capacity && sectors <= config_.capacity - sector;
}

/// Is the transfer whole sectors, in the direction its type says, and on the disk?
inline bool Device::transfer_is_sound(const Request& request, bool to_device) {
  if (request.bytes != 0 && request.to_device != to_device)
    return reject("a {} whose data the device can only {} (5.2.6)", to_device ? "write" : "read",
                                to_device ? "write" : "read");
  if (request.bytes % kSectorSize != 0)
    return reject("a transfer of {} bytes: not a multiple of {} (5.2.6.1)", request.bytes, kSectorSize);
  if (!in_range(request.header.sector, request.bytes / kSectorSize))
    return reject("sectors {}+{} of a disk of {} (5.2.6.1)", request.header.sector, request.bytes / kSectorSize,
                                config_.capacity);
  return true;
}

inline Device::Outcome Device::read(const Request& request) {
  if (!transfer_is_sound(request, false)) return {Status::io_error};
  ++statistics_.reads;
  statistics_.bytes_read += request.bytes;
  return outcome_of(disk_->read(request.header.sector * kSectorSize, pieces_), request.bytes);
}

inline Device::Outcome Device::write(const Request& request) {
  if (!transfer_is_sound(request, true) || read_only()) return {Status::io_error};
  ++statistics_.writes;
  statistics_.bytes_written += request.bytes;
  const std::uint64_t offset = request.header.sector * kSectorSize;
  return outcome_of(writes_are_volatile() ? disk_->write(offset, pieces_) : disk_->write_durably(offset, pieces_));
}

Device::Outcome Device::flush() {
  ++statistics_.flushes;
  return outcome_of(read_only() ? 0 : disk_->flush());
}

Device::Outcome Device::get_id(const Request& request) {
  if (request.to_device || request.bytes < kIdBytes) return {Status::io_error};
  std::array<std::byte, kIdBytes> id{};
  std::memcpy(id.data(), options_.serial.data(), options_.serial.size());
  PiecesCursor(pieces_).copy_out(id.data(), id.size());
  return {Status::ok, kIdBytes};
}

Device::Outcome Device::change_ranges(const Request& request) {
  const bool zeroes = request.header.type == Type::write_zeroes;
  const std::uint64_t count = request.bytes / sizeof(Range);
  if (!request.to_device || request.bytes % sizeof(Range) != 0 || count > kRangesMax) {
    complain("{} bytes of ranges: 1 to {} of {} bytes (5.2.6.1)", request.bytes, kRangesMax, sizeof(Range));
    return {Status::io_error};
  }
  if (read_only()) return {Status::io_error};
  std::array<Range, kRangesMax> ranges;
  PiecesCursor(pieces_).copy_in(reinterpret_cast<std::byte*>(ranges.data()), request.bytes);
  for (const Range& range : std::span(ranges).first(count))
    if (const Status status = judge(range, zeroes); status != Status::ok) return {status};
  for (const Range& range : std::span(ranges).first(count))
    if (change(range, zeroes) != 0) return {Status::io_error};
  ++(zeroes ? statistics_.zeroes : statistics_.discards);
  return outcome_of(writes_are_volatile() ? 0 : disk_->flush());
}

/// 5.2.6.2: all ranges are judged before the first is touched.
Status Device::judge(const Range& range, bool zeroes) {
  const std::uint32_t allowed = zeroes ? kRangeUnmap : 0;
  if ((range.flags & ~allowed) != 0) {
    complain("flags {:#x} in a range of a {} (5.2.6.1)", range.flags, zeroes ? "write zeroes" : "discard");
    return Status::unsupported;
  }
  if (range.sectors <= kRangeSectorsMax && in_range(range.sector, range.sectors)) return Status::ok;
  complain("a range of sectors {}+{}: a disk of {}, {} at once (5.2.6.1)", range.sector, range.sectors, config_.capacity,
                       kRangeSectorsMax);
  return Status::io_error;
}

int Device::change(const Range& range, bool zeroes) {
  const std::uint64_t offset = range.sector * kSectorSize, length = std::uint64_t{range.sectors} * kSectorSize;
  if (length == 0) return 0;
  return zeroes ? disk_->write_zeroes(offset, length, (range.flags & kRangeUnmap) != 0) : disk_->discard(offset, length);
}

[[gnu::always_inline]] inline Device::Outcome Device::carry_out(const Request& request) {
  switch (request.header.type) {
    case Type::in: return read(request);
    case Type::out: return write(request);
    case Type::flush: return flush();
    case Type::get_id: return get_id(request);
    case Type::discard: return negotiated(kDiscard) ? change_ranges(request) : Outcome{Status::unsupported};
    case Type::write_zeroes: return negotiated(kWriteZeroes) ? change_ranges(request) : Outcome{Status::unsupported};
  }
  complain("request type {} (5.2.6)", static_cast<std::uint32_t>(request.header.type));
  return {Status::unsupported};
}

// --- rounds -----------------------------------------------------------------------------------------------------------

void Device::notified(unsigned queue) {
  ++statistics_.doorbells;
  if (!rounds_[queue]->pending()) board_.timeline.schedule(*rounds_[queue], options_.latency);
}

/// Carries out chain_ and gives it back. False: there is nowhere to say how it went.
[[gnu::always_inline]] inline bool Device::serve(virtio::SplitQueue& ring) {
  Request request;
  if (!take_header(request) || !take_status(request)) return false;
  const Outcome outcome = take_data(request) ? carry_out(request) : Outcome{Status::io_error};
  if (outcome.status != Status::ok) [[unlikely]] ++statistics_.failed;
  // 2.7.8.2: `written` counts from the start, so the status behind data that was not written does not count.
  const std::uint64_t room = request.to_device ? 0 : request.bytes;
  const auto written = static_cast<std::uint32_t>(outcome.written == room ? room + 1 : outcome.written);
  if (misbehaviour_ != nullptr) [[unlikely]] return misbehaviour_->give_back(ring, request, outcome.status, written), true;
  *request.status = static_cast<std::byte>(outcome.status);
  ring.push(chain_.head, written);
  return true;
}

inline void Device::end_round(unsigned index) {
  virtio::SplitQueue& ring = queue(index);
  ring.ask_for_notification();
  if (!ring.interrupt_wanted()) return;
  if (misbehaviour_ != nullptr && misbehaviour_->withholds_interrupt(index)) [[unlikely]] return;
  ++statistics_.interrupts;
  interrupt(index);
}

void Device::work_due(unsigned index) {
  if (misbehaviour_ != nullptr) [[unlikely]] return misbehaviour_->round(index);
  work(index);
}

void Device::work(unsigned index) {
  virtio::SplitQueue& ring = queue(index);
  if (!bus_mastering() || !ring.running()) return;
  if (!ring.begin_round()) return fail(fmt::format("queue {}: {}", index, ring.complaint()));
  for (;;) {
    const auto popped = ring.pop(chain_);
    if (popped == virtio::SplitQueue::Popped::chain && serve(ring)) [[likely]] continue;
    end_round(index);
    if (popped == virtio::SplitQueue::Popped::broken) fail(fmt::format("queue {}: {}", index, ring.complaint()));
    if (popped == virtio::SplitQueue::Popped::chain)
      fail(fmt::format("queue {}: chain {}: no room for a request's header of 16 bytes and its status (5.2.6)", index, chain_.head));
    return;
  }
}

}  // namespace drydock::virtio_blk
